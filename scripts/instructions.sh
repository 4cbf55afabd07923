#!/usr/bin/env bash
#
# What each hooked call costs in user instructions and own system calls, counted exactly. Takes seconds.
#
#   scripts/instructions.sh [--limits FILE] [--json FILE] [--only CALL…]
#
#   --limits    fail when a count exceeds its limit; bench/instructions/limits.toml has those of the tests
#   --json      write the counts to a file, too
#   --only      print these calls only
#
# SOCKSHIM_SO names another library than the release build.

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh

need_packages gcc libc6-dev valgrind strace python3
if [[ -z ${SOCKSHIM_SO:-} ]]; then
	need_cargo
	build_release
	SOCKSHIM_SO=$(library)
fi
export SOCKSHIM_SO PYTHONDONTWRITEBYTECODE=1
python3 -m bench.instructions.measure "$@"
