# shellcheck shell=bash
#
# Limits that keep the tree readable: how large a file may be, and which files may import each other.

# The largest circle of imports in src/preload, in files.
most_in_circle=3
# The largest Rust file, in lines.
most_lines=400
# The largest README.md, in bytes.
most_readme=8192

# Rust files that may be longer, because they are tables: a row per thing, and no logic.
tables=(
	src/preload/hooks.rs # the hooked functions of libc
)

# Tests the checker, because one that finds nothing would always pass.
import_circles_are_found() {
	python3 -B scripts/lib/import_circles_test.py --quiet
}

preload_has_no_large_circle() {
	local size files failed=0
	while read -r size files; do
		((size > most_in_circle)) || continue
		note "src/preload: $size files import each other in a circle: $files"
		failed=1
	done < <(python3 -B scripts/lib/import_circles.py src/preload)
	return "$failed"
}

# The files of one protocol family, which are in one folder of src/core/net, may form a circle.
core_has_circles_only_in_a_family() {
	local size files file families failed=0
	while read -r size files; do
		families=$(for file in $files; do family "$file"; done | sort --unique)
		[[ $families != net/* || $families == *$'\n'* ]] || continue
		note "src/core: $size files import each other in a circle, and are not one family's: $files"
		failed=1
	done < <(python3 -B scripts/lib/import_circles.py src/core)
	return "$failed"
}

# family FILE: the folder of src/core/net that the file is in, such as net/unix; else the file itself, which belongs to
# no family.
family() {
	if [[ $1 == net/*/* ]]; then
		cut --delimiter=/ --fields=1,2 <<<"$1"
	else
		printf 'no family: %s\n' "$1"
	fi
}

rust_files_are_short() {
	local file lines failed=0
	while read -r file; do
		[[ " ${tables[*]} " != *" $file "* ]] || continue
		lines=$(wc --lines <"$file")
		((lines > most_lines)) || continue
		note "$file has $lines lines; $most_lines is the limit"
		failed=1
	done < <(git ls-files '*.rs')
	for file in "${tables[@]}"; do
		[[ -f $file ]] || die "the list of tables in scripts/lib/structure.sh names $file, which is not there"
	done
	return "$failed"
}

readme_is_short() {
	local bytes
	bytes=$(wc --bytes <README.md)
	((bytes <= most_readme)) && return
	note "README.md has $bytes bytes; $most_readme is the limit"
	return 1
}
