#!/usr/bin/env bash
#
# How a kernel's AF_CAN behaves: compiles the programs of c-tests/can, and runs them under the kernels of Debian 12 and 13 in
# QEMU, on interfaces of the module vcan. What they print there are the transcripts below c-tests/can/transcripts.
#
#   scripts/can.sh [--check] [--only PROGRAM]… [--with COMMAND] [RELEASE…]
#
#   RELEASE   bookworm (6.1), trixie (6.12); both of them without one
#   --check   compare with the transcripts instead of writing them
#   --only    only this program of c-tests/can, by its name without .c
#   --with    a command of the shell that is run there afterwards; its output is printed
#
# Takes eight minutes, and needs root only to install QEMU. SOCKSHIM_KERNELS names a directory in which the kernels are left for the
# next time (scripts/kernels.sh uses the same).

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh
source scripts/lib/kernels/boot.sh

check=
with=()
only=()
releases=()
while (($#)); do
	case $1 in
	--check) check=yes ;;
	--only | --with)
		(($# > 1)) || die "$1 needs a word"
		if [[ $1 == --only ]]; then only+=("$2"); else with=(bash -c "$2"); fi
		shift
		;;
	bookworm | trixie) releases+=("$1") ;;
	*) die "no kernel and no option: $1 (see the beginning of this file)" ;;
	esac
	shift
done
((${#releases[@]})) || releases=(bookworm trixie)

need_qemu
need_packages gcc libc6-dev iproute2
make_work_directory
kernels=${SOCKSHIM_KERNELS:-$(target_directory)/kernels}
[[ $kernels == /* ]] || kernels=$PWD/$kernels
for release in "${releases[@]}"; do
	fetch_kernel "$release" "$kernels/$release"
done

say "Compiling c-tests/can"
programs=$work/programs
mkdir "$programs"
: >"$programs/root"
for source in c-tests/can/*.c; do
	name=$(basename "$source" .c)
	[[ ${#only[@]} -eq 0 || " ${only[*]} " == *" $name "* ]] || continue
	cc -O1 -Wall -Wextra -Werror -pthread -o "$programs/$name" "$source"
	! grep --quiet '^// runs as: root$' "$source" || echo "$name" >>"$programs/root"
done

# between KIND NAME FILE: what the guest printed between the two lines of a part, and the status in its last line.
between() {
	awk -v begin="== begin $1 $2" -v end="== end $1 $2 " '
		$0 == begin { inside = 1; next }
		index($0, end) == 1 { inside = 0 }
		inside { print }' "$3"
}

# judge RELEASE NAME: writes a program's transcript, or compares it.
judge() {
	local version=$1 name=$2 output=$3 transcript status
	transcript=c-tests/can/transcripts/$version/$name.txt
	status=$(sed -n "s/^== end first $name //p" "$output")
	between first "$name" "$output" >"$work/transcript"
	if [[ $status != 0 ]]; then
		note "$name: exits with ${status:-no status: it has not ended}"
		tail -n 3 "$work/transcript"
		return 1
	fi
	if grep --quiet --line-regexp "== begin second $name" "$output"; then
		note "$name: a second run prints something else"
		between second "$name" "$output" | diff "$work/transcript" - | head -n 20
		return 1
	fi
	if [[ -z $check ]]; then
		mkdir -p "${transcript%/*}"
		cp "$work/transcript" "$transcript"
	elif ! diff -u "$transcript" "$work/transcript"; then
		return 1
	fi
}

failed=0
for release in "${releases[@]}"; do
	version=$(kernel_version "$kernels/$release")
	say "$version"
	output=$work/$release
	status=0
	in_kernel "$kernels/$release" 1500 scripts/lib/kernels/can_guest.sh "$programs" "${with[@]}" >"$output" || status=$?
	if ((status == 125)); then
		note "the kernel has not come to the end"
		tail -n 20 "$output"
		failed=1
	fi
	for program in "$programs"/*; do
		name=${program##*/}
		[[ $name == root ]] || judge "$(cut -d . -f 1,2 <<<"$version")" "$name" "$output" || failed=1
	done
	[[ ${#with[@]} -eq 0 ]] || sed -n '/^== begin command$/,/^== end command /p' "$output"
done
printf '\nin %d min %d s\n' $((SECONDS / 60)) $((SECONDS % 60))
exit "$failed"
