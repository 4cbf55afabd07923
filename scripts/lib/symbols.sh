# shellcheck shell=bash
#
# What our binaries export and import, read from the binaries. An interposing library is defined by its dynamic
# symbols: one too many changes programs unintentionally, and one too few is a hook that never runs.

# exported FILE: the dynamic symbols that FILE defines, without their versions, sorted.
exported() {
	nm --dynamic --defined-only --format=posix "$1" | sed 's/[@ ].*//' | sort
}

# hooks: the names in the table of hooks, sorted.
hooks() {
	"$(target_directory)/release/sockshim" hooks --names | sort
}

library_exports_the_hooks() {
	make_work_directory
	hooks >"$work/hooks"
	[[ -s $work/hooks ]] || die "sockshim hooks --names printed nothing"
	exported "$(library)" >"$work/exported"
	if ! diff --unified=0 --label "sockshim hooks --names" --label "exported by libsockshim.so" \
		"$work/hooks" "$work/exported"; then
		die "the exported symbols differ from the table of hooks"
	fi
	note "libsockshim.so exports its $(wc -l <"$work/hooks") hooks and nothing else"
}

# Every other library would be loaded into every program, with its own constructors and symbols.
library_needs_only_libc() {
	local needed name
	needed=$(readelf --dynamic --wide "$(library)" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
	[[ -n $needed ]] || die "libsockshim.so names no library that it needs, which cannot be"
	for name in $needed; do
		[[ $name == libc.so.6 || $name == ld-linux* ]] || die "libsockshim.so needs $name; it may need only libc"
	done
	note "libsockshim.so needs ${needed//$'\n'/, }"
}

# glibcs_of FILE: the versions of glibc that it needs, the newest last.
glibcs_of() {
	objdump --private-headers "$1" | sed --quiet '/^Version References/,$ s/.* GLIBC_\([0-9.]*\)$/\1/p' | sort --version-sort --unique
}

# A symbol with a newer version would keep the libraries out of every program where glibc is older, and the command off it.
all_run_on_old_glibc() {
	local oldest=2.28 newest file
	for file in libsockshim.so libsockshim_{rulefile,kmod,can}.so sockshim sockshim-can-engine; do
		newest=$(glibcs_of "$(target_directory)/release/$file" | tail -n 1)
		[[ -n $newest ]] || die "$file names no version of glibc, which cannot be"
		[[ $(printf '%s\n' "$oldest" "$newest" | sort --version-sort | tail -n 1) == "$oldest" ]] ||
			die "$file needs glibc $newest; it may need $oldest at most"
		note "$file needs glibc $newest, and may need $oldest"
	done
}

# Every process of every program maps it.
library_is_small() {
	local most=610000 size
	size=$(stat --format=%s "$(library)")
	((size < most)) || die "libsockshim.so has $size bytes; it may have fewer than $most"
	note "libsockshim.so has $size bytes, fewer than $most"
}

# What the library still takes from other objects, and why each is safe although a program may have put its own in the place
# of it. Nothing else may be called: the log's writer has no thread-local state of libc's, and a hook may run anywhere.
imports() {
	cat <<-'END'
		__errno_location       a hook keeps the errno that the program reads, by whatever function the program has for it
		__h_errno_location     where libc reports errors of the very call that a hook stands for, on the program's thread
		__tls_get_addr         the count of panics, when one is caught
		_r_debug               a variable
		abort                  a panic in a panic: there is no way on
		environ                a variable
		fileno                 reads a field of the stream that the program is about to close, on its thread
		free                   the unwinder's, when a panic is caught
		getauxval              at the start, before the program runs
		getenv                 PATH, on the thread that is about to call execvp, which asks for it too
		malloc                 the unwinder's, when a panic is caught
	END
}

library_imports_what_is_safe() {
	make_work_directory
	imports | awk '{ print $1 }' | sort >"$work/imports"
	nm --dynamic --undefined-only --format=posix "$(library)" | sed 's/[@ ].*//' | sort >"$work/imported"
	if ! diff --unified=0 --label "imports() of scripts/lib/symbols.sh" --label "imported by libsockshim.so" \
		"$work/imports" "$work/imported"; then
		die "the imported symbols differ from the list: each needs a reason why another library's is safe in its place"
	fi
	note "libsockshim.so imports $(wc -l <"$work/imports") symbols, each for a reason that is written down"
}

# An executable that defines `socket` interposes itself, and every test in it would test the wrong function. That
# happens when a crate that defines hooks is linked into it.
executables_export_no_hook() {
	say "cargo test --no-run"
	cargo test --workspace --locked --no-run
	make_work_directory
	local file executables
	hooks >"$work/hooks"
	mapfile -t executables < <(our_executables)
	((${#executables[@]} > 1)) || die "found no test executable to look at"
	for file in "${executables[@]}"; do
		exported "$file" >"$work/exported"
		comm -12 "$work/hooks" "$work/exported" >"$work/both"
		[[ ! -s $work/both ]] || die "$file exports: $(paste -sd ' ' "$work/both")"
	done
	note "${#executables[@]} executables export no hook"
}

our_executables() {
	local target
	target=$(target_directory)
	printf '%s\n' "$target/release/sockshim"
	local directory
	for directory in "$target"/debug/deps "$target"/debug/examples "$target"/release/examples; do
		[[ -d $directory ]] || continue
		find "$directory" -maxdepth 1 -type f -executable ! -name '*.so'
	done
}
