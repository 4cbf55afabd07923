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

# Every process of every program maps it.
library_is_small() {
	local most=600000 size
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
		__libc_single_threaded a variable
		__pthread_key_create   the unwinder's test for threads, when a panic is caught; never called
		__tls_get_addr         the count of panics, when one is caught
		_dl_find_object        the unwinder's, when a panic is caught
		_r_debug               a variable
		abort                  a panic in a panic: there is no way on
		dladdr                 tells whose a function is that dlsym has found
		dlclose                at the start, before the program runs, if a file of rules is named
		dlopen                 the same
		dlsym                  finds what other libraries have in libc's place, with the first call of each hook
		environ                a variable
		fileno                 reads a field of the stream that the program is about to close, on its thread
		free                   the unwinder's, when a panic is caught
		getauxval              at the start, before the program runs
		getenv                 PATH, on the thread that is about to call execvp, which asks for it too
		malloc                 the unwinder's, when a panic is caught
		pthread_mutex_lock     the unwinder's, when a panic is caught
		pthread_mutex_unlock   the unwinder's, when a panic is caught
		pthread_once           the unwinder's, when a panic is caught
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
