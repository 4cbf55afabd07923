#!/usr/bin/env bash
#
# Do other people's programs accept the bus? Runs CPython's tests of AF_CAN, python-can's and socketcan-rs's own suites, and
# Debian's can-utils in pairs, unmodified, as a user without any capability, in namespaces in which only `lo` exists.
# The status is 1 when something fails that does not fail on the kernel's vcan.
#
#   scripts/can-suites.sh [--only NAME]… [--measure] [--native RELEASE]
#
#   --only     what has this in its name: CPython, python-can, candump
#   --measure  measure instead: losses, frames per second, latency, and members that are killed
#   --native   on the kernel's vcan instead, in QEMU, as scripts/can.sh does: bookworm (6.1) or trixie (6.12)
#
# Takes about ten minutes, most of them for building socketcan-rs for the first time. Needs root, to make namespaces.

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh

native=
options=()
while (($#)); do
	case $1 in
	--measure) options+=("$1") ;;
	--only | --native)
		(($# > 1)) || die "$1 needs a word"
		if [[ $1 == --only ]]; then options+=("$1" "$2"); else native=$2; fi
		shift
		;;
	*) die "no option: $1 (see the beginning of this file)" ;;
	esac
	shift
done

[[ $EUID -eq 0 ]] || die "only root can make the namespaces"
# What reads and judges outcomes is tested first.
PYTHONPATH=scripts PYTHONDONTWRITEBYTECODE=1 python3 -m unittest --quiet can_suites.test_outcomes

need_packages gcc libc6-dev python3 python3-venv python3.11 libpython3.11-testsuite can-utils util-linux mount iproute2
need_cargo
build_release
make_work_directory
place=$(target_directory)/can-suites
mkdir -p "$place/lib"

# The wheels that the tests import.
pins=(
	iniconfig==2.3.1 packaging==26.4 pluggy==1.7.0 Pygments==2.21.0 pytest==9.2.0 hypothesis==6.170.17 sortedcontainers==2.4.0
	parameterized==0.9.0 pyserial==3.5 python-can==4.6.1 typing_extensions==4.16.0 wrapt==1.17.3
)

prepare_python() {
	[[ $(cat "$place/pins" 2>/dev/null) != "${pins[*]}" ]] || return 0
	say "python-can and its tests"
	rm -rf "$place/venv" "$place/sources"
	mkdir "$place/sources"
	/usr/bin/python3 -m venv "$place/venv"
	local pip=("$place/venv/bin/python" -m pip --quiet --disable-pip-version-check)
	"${pip[@]}" install --no-deps --only-binary=:all: "${pins[@]}"
	# Its programs are run from where can_suites_inside.sh puts them.
	sed -i '1s|^#!.*|#!/tmp/can-suites/venv/bin/python|' "$place"/venv/bin/can_*
	# The tests are in the archive of the sources only.
	"${pip[@]}" download --no-deps --no-binary=:all: --dest "$place/sources" python-can==4.6.1
	tar -C "$place/sources" -xf "$place"/sources/python_can-4.6.1.tar.gz
	echo "${pins[*]}" >"$place/pins"
}

# The tests come with the crate. Those of tokio and async-io wait by edge-triggered epoll.
prepare_rust() {
	local features=vcan_tests,async-io,tokio version=3.6.2 source=$place/socketcan program
	[[ ! -d $place/socketcan-rs ]] || return 0
	say "socketcan-rs $version"
	rm -rf "$source" "$place/socketcan-rs.new"
	mkdir -p "$source/fetch/src" "$place/socketcan-rs.new"
	printf '[package]\nname = "fetch"\nedition = "2021"\n[dependencies]\nsocketcan = "=%s"\n[workspace]\n' $version >"$source/fetch/Cargo.toml"
	: >"$source/fetch/src/lib.rs"
	env -u CARGO_TARGET_DIR cargo vendor --quiet --manifest-path "$source/fetch/Cargo.toml" "$source/vendor" >/dev/null
	(cd "$source/vendor/socketcan" && CARGO_TARGET_DIR=$source/target cargo test --locked --features $features --no-run 2>&1) |
		sed -n 's/^  Executable .*(\(.*\))$/\1/p' >"$source/programs"
	[[ -s $source/programs ]] || die "no test of socketcan-rs was built"
	while read -r program; do cp "$program" "$place/socketcan-rs.new/"; done <"$source/programs"
	rm -rf "$source"
	mv "$place/socketcan-rs.new" "$place/socketcan-rs"
}

prepare_python
prepare_rust
rm -f "$place/python3.13"
for python in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*; do
	[[ ! -d $python/lib/python3.13/test/libregrtest ]] || echo "$python" >"$place/python3.13"
done
cp --remove-destination -t "$place/lib" "$(target_directory)"/release/{libsockshim.so,libsockshim_{rulefile,kmod,can}.so,sockshim-can-engine}
rm -rf "$place/can_suites"
cp -r scripts/can_suites scripts/lib/can_suites_inside.sh "$place/"
chmod -R a+rX "$place"

if [[ -n $native ]]; then
	command=$(printf '%q ' bash scripts/lib/can_suites_inside.sh "$place" --native "${options[@]}")
	scripts/can.sh --check --only nothing --with "$command" "$native" | tee "$work/said"
	grep --quiet '^== end command 0$' "$work/said"
	exit
fi
say "Suites"
timeout --kill-after=10 1800 unshare --net --mount --pid --ipc --uts --fork --kill-child --mount-proc \
	bash scripts/lib/can_suites_inside.sh "$place" "${options[@]}"
