#!/usr/bin/env bash
#
# Other kernels than the running one: boots those of Debian in QEMU, and runs the comparison of the tables with the kernel, the
# C programs, the self-test and the demo there, as root and as an unprivileged user, with and without every module that brings
# a family or a protocol. The kernels are unpacked, not installed, see this machine's files, and write to memory.
#
#   scripts/kernels.sh [--short] [--output docs/kernels.md] [--keep DIRECTORY] [RELEASE…]
#
#   RELEASE    bullseye (5.10), bookworm (6.1), trixie (6.12); all of them without one
#   --short    only bookworm, and only parts that take seconds: the part that is a part of test.sh, two minutes
#   --output   write the tables of this document anew
#   --keep     leave what was printed there in this directory
#
# Relative names are those below the repository. Takes half an hour, and needs root, also to install QEMU. SOCKSHIM_KERNELS names a
# directory in which the kernels (400 MB each, unpacked) are left for the next time.

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh
source scripts/lib/kernels/boot.sh

releases=()
output=
keep=
short=
while (($#)); do
	case $1 in
	--short) short=yes ;;
	--output | --keep)
		(($# > 1)) || die "$1 needs a name"
		[[ $1 == --output ]] && output=$2 || keep=$2
		shift
		;;
	bullseye | bookworm | trixie) releases+=("$1") ;;
	*) die "no kernel and no option: $1 (see the beginning of this file)" ;;
	esac
	shift
done
if ((!${#releases[@]})); then
	releases=(bullseye bookworm trixie)
	[[ -z $short ]] || releases=(bookworm)
fi
[[ -z $output || -z $short ]] || die "the short form does not write a document"

((EUID == 0)) || die "needs root: the comparison enters namespaces and becomes other users"
need_qemu
need_packages gcc libc6-dev curl python3
need_cargo
build_release
target=$(target_directory)
c_programs=
if [[ -z $short ]]; then
	say "cargo build: what is run there"
	cargo build --release --locked --package sockshim-preload --features test-support --target-dir "$target/test-support"
	c_programs=$(cargo test --release --locked --package sockshim-itest --test c_programs --no-run --message-format json |
		sed -n 's/.*"executable":"\([^"]*c_programs-[^"]*\)".*/\1/p' | tail -n 1)
	[[ -x $c_programs ]] || die "cargo made no test of the C programs"
fi
oracle=$target/release/sockshim-oracle
environment=(
	"ORACLE=$oracle" "SOCKSHIM=$target/release/sockshim" "C_PROGRAMS=$c_programs"
	"SOCKSHIM_SO=$(library)" "SOCKSHIM_TEST_SO=$target/test-support/release/libsockshim.so" "CARGO_TARGET_DIR=$target"
)

make_work_directory
results=$work/results
mkdir "$results"
kernels=${SOCKSHIM_KERNELS:-$target/kernels}
[[ $kernels == /* ]] || kernels=$PWD/$kernels
for release in "${releases[@]}"; do
	fetch_kernel "$release" "$kernels/$release"
done

if [[ -z $short ]]; then
	# They are compiled here, where that takes no time.
	say "C programs under this kernel"
	env "${environment[@]}" "$c_programs" --test-threads 4 --quiet >"$work/programs" 2>&1 || die "the C programs do not even pass on this kernel: $(sed -n '/^failures:/,$p' "$work/programs")"
fi

# boot RELEASE SETTING SECONDS PART…
boot() {
	local release=$1 setting=$2 seconds=$3 status=0
	shift 3
	say "$(kernel_version "$kernels/$release"), $setting"
	in_kernel "$kernels/$release" "$seconds" env "${environment[@]}" scripts/lib/kernels/guest.sh "$@" >"$results/$release-$setting" || status=$?
	((status == 0)) || printf '== end boot %d\n' "$status" >>"$results/$release-$setting"
}

for release in "${releases[@]}"; do
	if [[ -n $short ]]; then
		boot "$release" modules 600 modules oracle-short command
	else
		boot "$release" plain 1500 oracle programs command
		boot "$release" modules 1500 modules oracle mutation programs-user
	fi
done
[[ -z $keep ]] || { mkdir -p "$keep" && cp "$results"/* "$keep/"; }
if [[ -n $output ]]; then
	say "The running kernel"
	{
		uname -r
		printf '== begin oracle\n'
		status=0
		"$oracle" --sequences 5000 --seed 1 || status=$?
		printf '== end oracle %d\n' "$status"
	} >"$results/running-plain"
	python3 scripts/lib/kernels/report.py "$results" --output "$output" || failed=yes
else
	python3 scripts/lib/kernels/report.py "$results" || failed=yes
fi
printf '\nin %d min %d s\n' $((SECONDS / 60)) $((SECONDS % 60))
[[ -z ${failed:-} ]]
