#!/bin/bash
#
# What can-suites.sh runs as root in new namespaces, or under another kernel: puts what was prepared where a user can reach it,
# and becomes such a user, without capabilities and without a way to get any, as in a job's container.
#
#   can_suites_inside.sh PLACE [--native] [OPTION…]

set -euo pipefail

place=$1
shift
stage=$(mktemp -d)
mount -t tmpfs -o mode=1777 tmpfs "$stage"
mkdir "$stage/can-suites"
mount --bind "$place" "$stage/can-suites"
if [[ -e $place/python3.13 ]]; then
	mkdir "$stage/python3.13"
	mount --bind "$(<"$place/python3.13")" "$stage/python3.13"
fi
mount --move "$stage" /tmp
ip link set lo up
if [[ ${1:-} == --native ]]; then
	# As python-can's own script makes them: all are of this type.
	for interface in vxcan0 slcan0; do
		ip link add dev "$interface" type vcan
		ip link set "$interface" up
	done
fi
# A shell stays the first process, which reaps what has lost its parent.
cd /tmp
setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs \
	env -i PATH=/usr/bin:/bin HOME=/tmp LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/tmp/can-suites \
	/usr/bin/python3 -m can_suites /tmp/can-suites "$@"
