# shellcheck shell=bash
#
# Finds cargo, and builds the library and the command.

# need_cargo: finds cargo also where rustup puts it, for a shell that has not read its profile.
need_cargo() {
	if ! command -v cargo >/dev/null && [[ -x ${CARGO_HOME:-$HOME/.cargo}/bin/cargo ]]; then
		PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
	fi
	command -v cargo >/dev/null ||
		die "needs cargo. Get a Rust toolchain from https://rustup.rs (rust-toolchain.toml says which) and run this again."
	# The linker that rustc calls, and the C library that everything is linked with.
	compiles_c || need_packages gcc libc6-dev
}

compiles_c() {
	command -v cc >/dev/null && echo '#include <stdio.h>' | cc -fsyntax-only -x c - 2>/dev/null
}

# build_release: builds the preload library and the command, if they are not up to date.
build_release() {
	say "cargo build --release"
	cargo build --release --locked --workspace
	local file
	for file in "$(library)" "$(target_directory)/release/sockshim"; do
		[[ -f $file ]] || die "cargo build --release made no $file"
	done
}

# target_directory: where cargo writes, as cargo itself understands CARGO_TARGET_DIR.
target_directory() {
	local directory=${CARGO_TARGET_DIR:-target}
	[[ $directory == /* ]] || directory=$PWD/$directory
	printf '%s\n' "$directory"
}

# library: the absolute path of the preload library.
library() { printf '%s/release/libsockshim.so\n' "$(target_directory)"; }
