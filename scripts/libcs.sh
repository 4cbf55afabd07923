#!/usr/bin/env bash
#
# One and the same libsockshim.so with other glibcs: in new Debians, C programs and real programs do the same natively and with
# the library, whether it logs or not; and the command runs them, traces them, and obeys rules. Takes ten minutes, and runs as
# root.
#
#   scripts/libcs.sh [RELEASE…]     bullseye (2.31), bookworm (2.36) and trixie (2.41), unless others are named
#
# SOCKSHIM_ROOTS names a directory in which the Debians are made and left for the next time.

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh

packages=ca-certificates,curl,python3,nginx-light,redis-server,openssh-server,openssh-client
# The Debian in which the C programs are made: they run with its glibc and every later one.
oldest=bullseye
releases=("${@:-}")
[[ -n ${releases[0]} ]] || releases=(bullseye bookworm trixie)

# make_debian RELEASE: makes it, if it is not there.
make_debian() {
	local more=$packages
	[[ $1 != "$oldest" ]] || more+=,gcc,libc6-dev
	[[ ! -e $roots/$1/made ]] || return 0
	say "debootstrap $1"
	if ! debootstrap --variant=minbase --include="$more" "$1" "$roots/$1" >"$roots/$1.log" 2>&1; then
		tail -n 3 "$roots/$1.log"
		die "debootstrap cannot make $1"
	fi
	touch "$roots/$1/made"
}

# in_debian RELEASE COMMAND…: in a namespace of mounts and one of processes, so that nothing stays mounted or running, and in
# one of networks, where every port is free.
in_debian() {
	# shellcheck disable=SC2016 # The variables are the inner shell's.
	unshare --mount --pid --fork --propagation private --net -- sh -ec 'ip link set lo up
		mount -t proc proc "$1/proc"
		mount --rbind /dev "$1/dev"
		exec chroot "$@"' - "$roots/$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C "${@:2}"
}

# make_c_programs: the programs of c-tests that a test runs natively and under the library, but for those that say that they
# print something else there; and the one that makes every call.
make_c_programs() {
	say "C programs"
	rm -rf "$roots/$oldest/root/c-tests"
	cp -r c-tests scripts/lib/old_glibc.h "$roots/$oldest/root/"
	# shellcheck disable=SC2016 # The variables are the inner shell's.
	in_debian "$oldest" bash -euc 'cd /root/c-tests
		rm -rf /root/programs && mkdir /root/programs
		compile() { gcc -O1 -g -w -include /root/old_glibc.h $(sed -n "s|^// cflags: ||p" "$1") -o "$2" "$1" -pthread -lrt; }
		compile stress/calls.c /root/calls
		compile http.c /root/http
		for source in */*.c; do
			case $source in stress/* | moments/* | rules/* | trace/* | can/*) continue ;; esac
			! grep --quiet "^// except: \(stdout\|status\)" "$source" || continue
			program=${source%.c}
			compile "$source" "/root/programs/${program/\//_}" 2>errors || echo "    not with this glibc: $source: $(grep --max-count=1 "error\|undefined" errors)"
		done
		echo "    $(ls /root/programs | wc -l) programs"'
}

[[ $EUID -eq 0 ]] || die "only root can make a Debian in a directory"
need_cargo
need_commands debootstrap=debootstrap unshare=util-linux ip=iproute2
build_release
say "cargo build --features test-support"
cargo build --release --locked --package sockshim-preload --features test-support --target-dir "$(target_directory)/test-support"
make_work_directory
roots=${SOCKSHIM_ROOTS:-$work}
mkdir -p "$roots"

for release in "$oldest" "${releases[@]}"; do make_debian "$release"; done
make_c_programs
summary=()
failed=0
for release in "${releases[@]}"; do
	say "$release"
	root=$roots/$release/root
	[[ $release == "$oldest" ]] || { rm -rf "$root/programs" && cp -r "$roots/$oldest/root/programs" "$roots/$oldest/root"/{calls,http} "$root/"; }
	rm -rf "$root"/{log,www,nginx} "$root"/ssh_key*
	cp "$(target_directory)/release"/{libsockshim.so,libsockshim_{rulefile,kmod,can}.so,sockshim,sockshim-can-engine} "$root/"
	cp "$(target_directory)/test-support/release/libsockshim.so" "$root/test.so"
	cp scripts/lib/try_libc.sh "$root/"
	if in_debian "$release" bash /root/try_libc.sh; then
		summary+=("passed   $release")
	else
		summary+=("failed   $release")
		failed=1
	fi
done
say "Debians"
for line in "${summary[@]}"; do note "$line"; done
exit "$failed"
