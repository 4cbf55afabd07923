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
	libjemalloc-dev libmimalloc-dev libgoogle-perftools-dev libeatmydata1 libsocket-wrapper \
	curl netcat-openbsd python3 nginx-light redis-server redis-tools socat openssh-server openssh-client iperf3 \
	gosu fzf musl-tools liburing-dev \
	strace valgrind iproute2 procps shellcheck \
	make man-db zsh fish \
	tshark can-utils openssl dnsmasq-base bind9-dnsutils \
	qemu-system-x86 seabios cpio kmod
need_cargo
build_release
make_work_directory

checks=passed
scripts/check.sh || checks=failed

say "Tests"
tests=passed
# The library that was built and checked above.
SOCKSHIM_SO=$(library)
export SOCKSHIM_SO
if command -v cargo-nextest >/dev/null; then
	# nextest runs no documentation tests.
	cargo test --workspace --locked --doc || tests=failed
	cargo nextest run --workspace --locked --no-fail-fast || tests=failed
else
	cargo test --workspace --locked --no-fail-fast || tests=failed
fi

say "The predictions against the running kernel"
exact=passed
scripts/kernel-exact.sh >"$work/kernel-exact" || exact=failed
grep -E ' (mismatches|wrong|missing)|: (found|NOT FOUND)' "$work/kernel-exact" | grep -vE '^ {6}'

say "The predictions against another kernel, the short form"
kernels=passed
scripts/kernels.sh --short || kernels=failed

say "Other people's test suites, the short form"
suites=passed
scripts/suites.sh --short --jobs 2 || suites=failed

printf '\nchecks %s, tests %s, predictions %s, other kernel %s, suites %s, in %d min %d s\n' \
	"$checks" "$tests" "$exact" "$kernels" "$suites" $((SECONDS / 60)) $((SECONDS % 60))
[[ $checks == passed && $tests == passed && $exact == passed && $kernels == passed && $suites == passed ]]
