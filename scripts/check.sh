#!/usr/bin/env bash
#
# Every check of the project that does not run it.
#
#   scripts/check.sh [all]      every check below, and a summary
#   scripts/check.sh CHECK…     one or more of:
#       fmt       rustfmt has nothing to change
#       clippy    no lint, in no target
#       deny      licences, advisories and sources of the dependencies (cargo-deny; said when it is not installed)
#       shell     shellcheck has nothing to say about the scripts
#       structure no file is too long, and no files import each other in a large circle (scripts/lib/structure.sh)
#       symbols   the library exports its hooks and nothing else, needs libc and nothing else, imports only what is safe
#                 beside interposers, and is small; nothing that is installed needs a newer glibc than 2.28, and no
#                 executable of ours exports a hook

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh
source scripts/lib/structure.sh
source scripts/lib/symbols.sh

checks=(fmt clippy deny shell structure symbols)

check_fmt() {
	need_cargo
	cargo fmt --all --check
}

check_clippy() {
	need_cargo
	cargo clippy --workspace --all-targets --locked -- -D warnings
}

# The advisory database comes over the network, and cargo-deny itself takes minutes to build, so neither is forced on
# a run; but a skipped check is reported.
check_deny() {
	need_cargo
	if ! command -v cargo-deny >/dev/null; then
		note "NOT RUN: cargo-deny is not installed. To install it: cargo install --locked cargo-deny"
		return
	fi
	cargo deny --all-features check bans licenses sources
	if ! cargo deny --all-features fetch db; then
		note "NOT RUN: the advisory database cannot be fetched, so advisories were not checked"
		return
	fi
	cargo deny --all-features check --disable-fetch advisories
}

check_shell() {
	need_packages shellcheck
	# The files of lib/ are read through the scripts that source them, as they run.
	shellcheck --external-sources --check-sourced --source-path=SCRIPTDIR scripts/*.sh scripts/lib/try_*.sh .ci/run
}

# Checks every limit, even after one was exceeded.
check_structure() {
	need_packages python3 git
	local limit failed=0
	for limit in import_circles_are_found preload_has_no_large_circle core_has_circles_only_in_a_family \
		rust_files_are_short readme_is_short; do
		"$limit" || failed=1
	done
	return "$failed"
}

check_symbols() {
	need_cargo
	need_packages binutils
	build_release
	library_exports_the_hooks
	library_needs_only_libc
	all_run_on_old_glibc
	library_imports_what_is_safe
	library_is_small
	executables_export_no_hook
}

# Each check runs in a process of its own, so that the others still run after one fails.
check_all() {
	local check failed=0 summary=()
	for check in "${checks[@]}"; do
		say "check: $check"
		if scripts/check.sh "$check"; then
			summary+=("passed   $check")
		else
			summary+=("failed   $check")
			failed=1
		fi
	done
	say "Checks"
	for check in "${summary[@]}"; do note "$check"; done
	return "$failed"
}

for verb in "${@:-all}"; do
	[[ " all ${checks[*]} " == *" $verb "* ]] || die "no such check: $verb. There are: all ${checks[*]}"
done
for verb in "${@:-all}"; do
	"check_$verb"
done
