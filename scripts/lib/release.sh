# shellcheck shell=bash
#
# How the files of a release are made, and how each of them is tried.

# The version, which Cargo.toml has in one place.
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
artifacts=$(target_directory)/release-artifacts
pages=$(target_directory)/release/pages
tree=sockshim-$version-x86_64-linux-gnu
package=$artifacts/sockshim_$version-1_amd64.deb
# The exit code of a check that cannot be made here.
not_run=77

# cannot WHY: ends a check that cannot be made here.
cannot() {
	note "NOT RUN: $*"
	exit "$not_run"
}

# wants COMMAND=PACKAGE…: installs what a check needs, or ends it if that is not to be had.
wants() { (need_commands "$@") || cannot "needs ${*%%=*}"; }

# made: the files that the checks look at.
made() {
	[[ -f $package && -f $artifacts/$tree.tar.xz ]] || die "nothing was made. First: scripts/release.sh make"
}

# need_cargo_deb: finds cargo-deb, or builds it, in two minutes or so.
need_cargo_deb() {
	local tools
	tools=$(target_directory)/tools
	PATH=$tools/bin:$PATH
	if ! command -v cargo-deb >/dev/null; then
		say "cargo install cargo-deb"
		cargo install --locked --quiet --root "$tools" cargo-deb
	fi
}

# note_changes: what is not committed is in the release, so it is said here and by `sockshim --version`.
note_changes() {
	SOCKSHIM_COMMIT=
	if command -v git >/dev/null && [[ -e .git ]]; then
		SOCKSHIM_COMMIT=$(git describe --always --dirty)
		[[ $SOCKSHIM_COMMIT != *-dirty ]] || note "There are changes that are not committed."
		# The time of the files in the tarball and the package: the same commit makes the same files.
		SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
	fi
	: "${SOURCE_DATE_EPOCH:=$(date +%s)}"
	export SOCKSHIM_COMMIT SOURCE_DATE_EPOCH
}

# name_paths_alike: what is built must not depend on where the crates, the toolchain and this directory are, and a panic names the
# file that it is in. Cargo adds these flags to those of .cargo/config.toml.
name_paths_alike() {
	local crates flags=() sysroot commit
	cargo fetch --locked --quiet
	for crates in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do
		flags+=("--remap-path-prefix=${crates%/}=/cargo")
	done
	sysroot=$(rustc --print sysroot)
	commit=$(rustc --version --verbose | sed -n 's/^commit-hash: //p')
	flags+=("--remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rustc/$commit" "--remap-path-prefix=$PWD=.")
	export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="${flags[*]}"
}

make_programs() {
	say "make"
	name_paths_alike
	make all
	python3 -B scripts/lib/notices.py sockshim-cli sockshim-preload sockshim-rulefile sockshim-kmod sockshim-can sockshim-can-engine >"$pages/NOTICES"
	# As Debian wants them.
	gzip --best --no-name --keep "$pages"/*.1 "$pages/NOTICES"
}

make_tarball() {
	say "$tree.tar.xz"
	make_work_directory
	# bin, lib and share in one folder.
	make install DESTDIR="$work/$tree" PREFIX= >/dev/null
	tar --create --directory="$work" --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$SOURCE_DATE_EPOCH" \
		--use-compress-program="xz -9" --file="$artifacts/$tree.tar.xz" "$tree"
}

# make_package: the package; and beside it, in the work directory of the checks, the next one, to which it is upgraded.
make_package() {
	say "${package##*/}"
	cargo deb --locked --no-build --package sockshim-cli --output "$package"
	grep --quiet "^sockshim ($version-1)" packaging/changelog || die "packaging/changelog does not begin with $version-1"
}

check_sums() { (cd "$artifacts" && sha256sum --check SHA256SUMS); }

# The files that a commit makes are the same wherever it is built.
check_same() {
	[[ -e .git ]] || cannot "there is no commit to build"
	need_cargo
	need_cargo_deb
	make_work_directory
	local place file first=$work/one second=$work/another/directory failed=0
	for place in "$first" "$second"; do
		git clone --quiet "file://$PWD" "$place"
		git -C "$place" checkout --quiet "$(git rev-parse HEAD)"
		say "make in $place"
		(cd "$place" && env --unset=CARGO_TARGET_DIR scripts/release.sh make)
	done
	for file in release/{sockshim,libsockshim.so,libsockshim_rulefile.so,libsockshim_kmod.so,libsockshim_can.so,sockshim-can-engine} release-artifacts; do
		diff --recursive --brief "$first/target/$file" "$second/target/$file" || failed=1
	done
	! grep --files-with-matches "$HOME\|$work" "$first/target/release"/{sockshim,*.so} || die "they name directories of this machine"
	((!failed)) || die "the files differ"
	note "two directories, the same bytes: $(cd "$first/target/release-artifacts" && echo *)"
}

# unpack: the tarball's tree, in the work directory.
unpack() {
	wants xz=xz-utils
	make_work_directory
	tar --extract --directory="$work" --file="$artifacts/$tree.tar.xz"
}

check_pages() {
	unpack
	wants man=man-db
	local page complaints share=$work/$tree/share
	for page in "$share"/man/man1/*.1; do
		complaints=$(MANROFFSEQ='' MANWIDTH=80 man --warnings=w --local-file "$page" 2>&1 >/dev/null)
		[[ -z $complaints ]] || die "${page##*/}: $complaints"
	done
	note "man has no complaint about $(find "$share/man/man1" -name '*.1' | wc -l) pages"
	wants zsh=zsh fish=fish
	# shellcheck disable=SC2016 # The variables are those of the shells.
	{
		[[ $(bash -c 'source "$1" && complete -p sockshim' - "$share/bash-completion/completions/sockshim") == *"-F _sockshim"* ]]
		[[ $(zsh -fc 'autoload -U compinit && fpath=("$1" $fpath) && compinit -u -D && print $_comps[sockshim]' - \
			"$share/zsh/site-functions") == _sockshim ]]
		[[ $(HOME=$work fish --no-config --command 'source $argv[1]; complete --do-complete "sockshim run --repo"' \
			"$share/fish/vendor_completions.d/sockshim.fish") == --report* ]]
	} || die "a shell does not load its completions"
	note "bash, zsh and fish load the completions"
}

check_tarball() {
	unpack
	local command=$work/$tree/bin/sockshim loaded
	"$command" --version
	# shellcheck disable=SC2016 # The variable is the program's.
	loaded=$("$command" run -- sh -c 'echo "$LD_PRELOAD"')
	[[ $loaded == "$work/$tree/lib/sockshim/libsockshim.so" ]] || die "the library is not the tarball's: $loaded"
	"$command" check true
}

check_cargo() {
	need_cargo
	wants nm=binutils python3=python3
	unpack
	install_with_cargo "$work/path" --path src/cli
	if [[ -e .git ]]; then
		# Of what is committed.
		install_with_cargo "$work/git" --git "file://$PWD" --rev "$(git rev-parse HEAD)" sockshim-cli
	fi
}

# install_with_cargo DIRECTORY SOURCE…: installs there, and tries the command. It is built in a directory of its own, because the
# command in the usual one must stay as it is in the package.
install_with_cargo() {
	local root=$1 command=$1/bin/sockshim loaded
	shift
	cargo install --quiet --locked --root "$root" --target-dir "$(target_directory)/self-contained" "$@"
	export XDG_CACHE_HOME=$root/cache
	# shellcheck disable=SC2016 # The variable is the program's.
	loaded=$("$command" run -- sh -c 'echo "$LD_PRELOAD"')
	[[ $loaded == "$root/cache/sockshim/$version-"*/libsockshim.so ]] || die "the library is not the command's: $loaded"
	"$command" trace -o "$root/trace" -- python3 -c '
import socket
socket.socket(socket.AF_UNIX).connect_ex("/nowhere")'
	grep --quiet 'connect(.* = -1 ENOENT' "$root/trace" || die "the trace is another one: $(<"$root/trace")"
	# The bytes differ, because cargo chooses other features of the crates when it builds the libraries alone.
	diff <(exported "$loaded") <(exported "$work/$tree/lib/sockshim/libsockshim.so") ||
		die "the library of the command exports other symbols than that of the tarball"
	note "cargo install $1: the command carries a library with the symbols of the tarball's"
}

check_glibc() {
	wants objdump=binutils
	unpack
	local needed depends
	needed=$(objdump --dynamic-syms "$work/$tree/bin/sockshim" "$work/$tree/lib/sockshim"/*.so |
		grep --only-matching 'GLIBC_[0-9.]*' | sort --version-sort | tail -n 1)
	depends=$(dpkg-deb --field "$package" Depends)
	[[ "$depends," == "libc6 (>= ${needed#GLIBC_}),"* ]] || die "the programs need $needed, and the package depends on $depends"
	note "$needed, and the package depends on $depends"
}

check_lintian() {
	wants lintian=lintian
	# It may not be run as root without a word about it.
	lintian --allow-root --fail-on error --tag-display-limit 0 "$package"
}

check_debian11() { check_in_debian bullseye; }
check_debian12() { check_in_debian bookworm; }
check_debian13() { check_in_debian trixie; }

# check_in_debian RELEASE: in a new Debian, which is made in the work directory.
check_in_debian() {
	local root
	[[ $EUID -eq 0 ]] || cannot "only root can make a Debian in a directory"
	need_cargo
	need_cargo_deb
	wants debootstrap=debootstrap unshare=util-linux
	make_work_directory
	root=$work/$1
	say "debootstrap $1"
	if ! debootstrap --variant=minbase --include=curl,busybox "$1" "$root" >"$work/debootstrap" 2>&1; then
		tail -n 3 "$work/debootstrap"
		cannot "debootstrap cannot make $1 here"
	fi
	cp "$package" "$root/root/first.deb"
	# The same files as a later package.
	cargo deb --quiet --locked --no-build --package sockshim-cli --deb-revision 2 --output "$root/root/second.deb"
	cp scripts/lib/try_package.sh scripts/lib/try_trace.sh "$root/root/"
	# A namespace of mounts, so that nothing stays mounted however this ends.
	# shellcheck disable=SC2016 # The variable is the inner shell's.
	unshare --mount --propagation private -- sh -ec 'mount -t proc proc "$1/proc"
		exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C bash /root/try_package.sh' - "$root"
}
