#!/usr/bin/env bash
#
# What kernels.sh runs under another kernel, as root: each part's output between two lines that name it.
#
#   guest.sh PART…
#
#   modules        load every module of the kernel that brings a family or a protocol
#   oracle         sockshim-oracle, with fewer random walks than by default
#   oracle-short   the parts of it that take seconds
#   mutation       whether it finds what is broken on purpose
#   programs       the C programs of c-tests, natively and under the library
#   programs-user  those about sockets, as an unprivileged user
#   command        sockshim self-test and scripts/demo.sh, as root and as an unprivileged user
#
# KERNEL is the kernel's directory; ORACLE, C_PROGRAMS and SOCKSHIM name what to run; SOCKSHIM_SO, SOCKSHIM_TEST_SO and
# CARGO_TARGET_DIR are as for the tests.

set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/parts.sh"

# load_modules: everything that is known by the number of a family, and what fills tables of the families. Modules that this
# machine's hardware lacks refuse to be loaded.
load_modules() {
	local modules directory
	directory=$(echo "$KERNEL"/lib/modules/*)
	# The ciphers that rxrpc asks for: nothing loads them here by itself.
	load pcbc fcrypt
	modules=$(awk '$2 ~ /^net-pf-[0-9]+(-proto-[0-9]+)?(-type-[0-9]+)?$/ || $2 ~ /^(can-proto|bt-proto|algif)-/ {print $3}' \
		"$directory/modules.alias" | sort -u)
	load "$modules" ax25 netrom rose x25 caif_socket rds tipc ieee802154_socket mctp dccp_ipv4 dccp_ipv6 mISDN_core rfcomm bnep hidp pptp
	awk '{print $1}' /proc/modules | sort | tr '\n' ' '
	printf '\n'
}

# user_programs: of the C programs, those whose calls are about sockets.
user_programs() {
	local folder skipped=()
	for folder in close_range closefrom epoll errno exec exit fork fortify pointers poll posix_spawn resolve select signal stdio \
		syscall vfork writer; do
		skipped+=(--skip "$folder/")
	done
	as_user "$C_PROGRAMS" --test-threads 4 --quiet "${skipped[@]}"
}

self_tests() {
	"$SOCKSHIM" self-test && as_user "$SOCKSHIM" self-test
}

demos() {
	scripts/demo.sh && as_user scripts/demo.sh
}

uname -r
open_to_everybody "$PWD/scripts" "$KERNEL" "$ORACLE" "$SOCKSHIM" "$SOCKSHIM_SO" "$SOCKSHIM_TEST_SO"
for name in "$@"; do
	case $name in
	modules) part modules load_modules ;;
	oracle)
		part oracle "$ORACLE" socket socketpair matrix faults walks differences names --sequences 5000 --seed 1
		;;
	mutation) part mutation "$ORACLE" mutation --sequences 5000 --seed 1 ;;
	oracle-short) part oracle "$ORACLE" socket matrix differences names ;;
	programs) part programs "$C_PROGRAMS" --test-threads 4 --quiet ;;
	programs-user) part programs-user user_programs ;;
	command)
		part self-test self_tests
		part demo demos
		;;
	*)
		printf 'guest.sh: no part %s\n' "$name" >&2
		exit 2
		;;
	esac
done
