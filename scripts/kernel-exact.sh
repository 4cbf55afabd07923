#!/usr/bin/env bash
#
# Compares the tables with the kernel that is running, over the whole argument space, and prints the figures: about a
# minute. It fails when one answer is wrong, when too much is left to the host, or when a fault that was put in on
# purpose is not found.
#
#   scripts/kernel-exact.sh [COMMAND…] [--sequences N] [--seed N]
#
#   COMMAND       socket socketpair matrix faults walks names mutation; all of them without one
#   --sequences   how many random walks there are (20000)
#   --seed        the walks' seed, as an earlier run has printed it
#
# Needs root, for the settings that it asks in: other users, capabilities, user and network namespaces. The system's
# own network namespace is not changed.

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh

((EUID == 0)) || die "needs root: most settings cannot be entered without it"
need_packages binutils
need_cargo

say "cargo build --release -p sockshim-oracle"
cargo build --release --locked -p sockshim-oracle
oracle=$(target_directory)/release/sockshim-oracle

# If the program interposed itself, it would compare its tables with themselves.
if nm -D --defined-only "$oracle" | grep -wE 'socket|bind|connect|sendmsg'; then
	die "sockshim-oracle exports what it is to test"
fi

say "The tables against Linux $(uname -r)"
"$oracle" "$@" || die "the tables and the kernel differ (see above)"
printf '\nno difference, in %d s\n' "$SECONDS"
