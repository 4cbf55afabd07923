#!/usr/bin/env bash
#
# What can.sh runs under another kernel, as root: makes the interfaces, and runs every program of a directory twice. A program
# whose name is also in the directory's file `root` runs as root, the others as an unprivileged user. Printed is the first
# transcript, and a second one only where it differs.
#
#   can_guest.sh DIRECTORY [COMMAND…]
#
# A command is run after them, with the same interfaces.

set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/parts.sh"

programs=$1
shift

interfaces() {
	local interface mtu
	load can can-raw can-bcm can-isotp can-j1939 vcan
	for interface in vcan0 vcan1 vcancc:16 vcanfd:72 vcanxl:2060; do
		mtu=${interface#*:}
		interface=${interface%:*}
		ip link add dev "$interface" type vcan || return 1
		[[ $mtu == "$interface" ]] || ip link set dev "$interface" mtu "$mtu" || return 1
		ip link set dev "$interface" up || return 1
	done
	ip -brief link
}

# run PROGRAM: one run in a new directory.
run() {
	local program=$1 directory status=0
	directory=$(mktemp -d)
	chmod 777 "$directory"
	if grep --quiet --line-regexp "${program##*/}" "$programs/root"; then
		(cd "$directory" && exec "$program") || status=$?
	else
		(cd "$directory" && as_user "$program") || status=$?
	fi
	rm -rf "$directory"
	return "$status"
}

uname -r
open_to_everybody "$programs/root"
part interfaces interfaces
for program in "$programs"/*; do
	name=${program##*/}
	[[ $name != root ]] || continue
	part "first $name" run "$program" 2>&1 | tee /tmp/first
	part "first $name" run "$program" >/tmp/second 2>&1
	cmp --quiet /tmp/first /tmp/second || sed 's/^== \(begin\|end\) first/== \1 second/' /tmp/second
done
if (($#)); then
	part command "$@"
fi
