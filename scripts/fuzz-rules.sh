#!/usr/bin/env bash
#
# Rule files and options with random edits, and random rules against a naive matcher. Nothing may panic or disagree.
#
#   scripts/fuzz-rules.sh [--files N] [--cases N] [--seed N]
#                           10,000,000 files and 1,000,000 cases if not said otherwise; seed 1 for the files. The seed of a
#                           case that fails is printed.

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/cargo.sh

files=10000000
cases=1000000
seed=1
while (($#)); do
	case $1 in
	--files) files=${2:?} ;;
	--cases) cases=${2:?} ;;
	--seed) seed=${2:?} ;;
	*) die "usage: scripts/fuzz-rules.sh [--files N] [--cases N] [--seed N]" ;;
	esac
	shift 2
done

need_cargo
say "$files rule files and options with random edits"
SOCKSHIM_FUZZ=$files SOCKSHIM_SEED=$seed \
	cargo test --release --locked -p sockshim-core --test fuzz_rules -- --nocapture edited
say "$cases times rules and calls against a naive matcher, and as many texts for the environment"
PROPTEST_CASES=$cases cargo test --release --locked -p sockshim-core --test rules
