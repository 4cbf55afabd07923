#!/usr/bin/env bash
#
# What is given to others: a Debian package, a tarball, and their SHA256SUMS, in target/release-artifacts.
#
#   scripts/release.sh [all]      makes them, then every check below, and a summary
#   scripts/release.sh make       makes them
#   scripts/release.sh CHECK…     one or more of, on what was made before:
#       sums      SHA256SUMS are those of the files
#       same      the commit, built in two other directories, makes the same files, byte for byte
#       pages     man has no complaint about a page, and bash, zsh and fish load the completions
#       tarball   unpacked anywhere, the command finds its libraries
#       cargo     what `cargo install` installs carries its libraries
#       glibc     the package depends on the glibc that the programs need, and on no newer one
#       lintian   Debian's checker finds no error in the package
#       debian11, debian12, debian13
#                 the package is installed, used, upgraded and purged in a new Debian, of which nothing else changes
#
# A check for which something cannot be had here, such as a Debian's packages, is said to be not run. Only the last three need
# root.

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh
source scripts/lib/symbols.sh
source scripts/lib/release.sh

checks=(sums same pages tarball cargo glibc lintian debian11 debian12 debian13)

make_all() {
	need_cargo
	need_commands make=make python3=python3 xz=xz-utils gzip=gzip dpkg-deb=dpkg
	need_cargo_deb
	note_changes
	make_programs
	rm -rf "$artifacts"
	mkdir -p "$artifacts"
	make_tarball
	make_package
	(cd "$artifacts" && sha256sum -- * >SHA256SUMS)
	say "$artifacts"
	ls -l "$artifacts"
}

# Each check runs in a process of its own, so that the others still run after one fails.
check_all() {
	local check status failed=0 summary=()
	for check in "${checks[@]}"; do
		say "check: $check"
		status=0
		scripts/release.sh "$check" || status=$?
		case $status in
		0) summary+=("passed   $check") ;;
		"$not_run") summary+=("NOT RUN  $check") ;;
		*)
			summary+=("failed   $check")
			failed=1
			;;
		esac
	done
	say "Checks"
	for check in "${summary[@]}"; do note "$check"; done
	return "$failed"
}

for verb in "${@:-all}"; do
	[[ " all make ${checks[*]} " == *" $verb "* ]] || die "no such check: $verb. There are: all make ${checks[*]}"
done
for verb in "${@:-all}"; do
	case $verb in
	all) make_all && check_all ;;
	make) make_all ;;
	*)
		made
		"check_$verb"
		;;
	esac
done
