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
