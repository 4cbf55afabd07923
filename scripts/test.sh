#!/usr/bin/env bash
#
# The whole proof: installs what it needs, builds the release, checks it, and runs every test.
#
#   scripts/test.sh

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh

# The programs that run under the shim, the tools that watch them, and what builds the C programs.
need_packages \
	gcc libc6-dev binutils \
	curl python3 nginx-light redis-server redis-tools socat openssh-server openssh-client \
	strace valgrind iproute2 procps shellcheck
need_cargo
build_release

checks=passed
scripts/check.sh || checks=failed

say "Tests"
tests=passed
# The very library that was built and checked above.
SOCKSHIM_SO=$(library)
export SOCKSHIM_SO
if command -v cargo-nextest >/dev/null; then
	# nextest runs no documentation tests.
	cargo test --workspace --locked --doc || tests=failed
	cargo nextest run --workspace --locked --no-fail-fast || tests=failed
else
	cargo test --workspace --locked --no-fail-fast || tests=failed
fi

printf '\nchecks %s, tests %s, in %d min %d s\n' "$checks" "$tests" $((SECONDS / 60)) $((SECONDS % 60))
[[ $checks == passed && $tests == passed ]]
