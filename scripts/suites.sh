#!/usr/bin/env bash
#
# Can other people's test suites tell that the shim is there? Runs each of them natively, under the shim with logging off,
# and under the shim at level `io`, in a network of its own in which only `lo` exists; compares test by test, and
# validates every event that was logged. A test that differs is repeated, to tell a difference from a test that is flaky
# natively.
# The status is 1 when there is a difference.
#
#   scripts/suites.sh [--short] [--only SUITE…] [--variants native off io rules pieces] [--repeat N] [--jobs N]
#                     [--output docs/compatibility.md] [--keep DIRECTORY] [--list]
#
#   --short     only the part that is a part of test.sh
#   --only      these suites; "programs" stands for all of "programs/…"
#   --variants  only these; without "native" nothing is compared. There are two more: "rules", under 50 rules of which none
#               ever holds; and "pieces", in which every stream moves a byte at a time, which is no fault of a test that
#               counts calls
#   --repeat    how often a test that differs is repeated (default 5)
#   --jobs      how many runs go on at once (default 1)
#   --output    write the table of this document anew
#   --keep      leave logs and output of the runs in this directory
#   --list      print the suites and stop
#
# SOCKSHIM_SO names another library than the release build.

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh

export PYTHONPATH=$PWD/scripts PYTHONDONTWRITEBYTECODE=1
need_packages python3 python3-venv util-linux mount procps iproute2

suites() { python3 -m suites "$@"; }

for argument in "$@"; do
	if [[ $argument == --list || $argument == --help || $argument == -h ]]; then
		suites "$@"
		exit
	fi
done

# What compares and reports is tested first.
python3 -m unittest --quiet suites.lib.test_framework suites.lib.test_wheel suites.test_debian can_suites.test_outcomes

packages=$(suites --packages "$@")
# A word is a package.
# shellcheck disable=SC2086
need_packages $packages
need_cargo
[[ -n ${SOCKSHIM_SO:-} ]] || build_release
cargo build --locked --package sockshim-itest --example validate_log
suites "$@"
