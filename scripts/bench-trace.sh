#!/usr/bin/env bash
#
# How long programs take under `sockshim trace` and under strace, over the program alone, and whether the trace has every
# network call that strace has. Prints tables; the status is 1 when a call is missing.
#
#   scripts/bench-trace.sh [--rounds N] [--only PROGRAM…]
#
#   --rounds  runs of each variant beside bare (default 7; about seven minutes)
#   --only    http, nginx, redis-P1, shell
#
# The machine should have nothing else to do.

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh

need_packages gcc libc6-dev python3 curl strace nginx-light redis-server redis-tools apache2-utils
need_cargo
build_release

say "Measurements"
export PYTHONDONTWRITEBYTECODE=1
python3 -m bench.trace "$@"
