# shellcheck shell=bash
#
# What our binaries export and need, asked of the binaries themselves. An interposing library is the sum of its
# dynamic symbols: one too many changes programs behind our back, one too few is a hook that never runs.

# exported FILE: the dynamic symbols that FILE defines, without their versions, sorted.
exported() {
	nm --dynamic --defined-only --format=posix "$1" | sed 's/[@ ].*//' | sort
}

# hooks: the names that the table of hooks has, sorted.
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

# Every further library would be loaded into every program, with constructors and symbols of its own.
library_needs_only_libc() {
	local needed name
	needed=$(readelf --dynamic --wide "$(library)" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
	[[ -n $needed ]] || die "libsockshim.so names no library that it needs, which cannot be"
	for name in $needed; do
		[[ $name == libc.so.6 || $name == ld-linux* ]] || die "libsockshim.so needs $name; it may need only libc"
	done
	note "libsockshim.so needs ${needed//$'\n'/, }"
}

# An executable that defines `socket` interposes itself: every test in it would test the wrong thing. It happens when
# a crate that defines hooks is linked into it.
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
