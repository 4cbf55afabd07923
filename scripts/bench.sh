#!/usr/bin/env bash
#
# All measurements: what sockshim costs, side by side with its peers, with a report, its data and its plots.
#
#   scripts/bench.sh [--quick] [--rounds N] [--only PART…] [--variants NAME…] [--output DIRECTORY] [--date DATE]
#   scripts/bench.sh --render bench/results/DATE.json
#
#   --quick     2 rounds, into target/bench/results: shows that everything works
#   --rounds    pairs of each variant with bare (default 12)
#   --only      instructions, profile, criterion, startup, scale, time, programs
#   --variants  only these beside bare: control, off, decision, call, io, strace, strace-seccomp, strace-desc, ltrace,
#               perf-trace, socket_wrapper, mptcpize, torsocks, proxychains4
#   --output    where DATE.md, DATE.json and the plots go (default bench/results)
#   --date      the report that the results are added to (default: today's)
#   --render    write the report of an earlier run anew
#
# The results are written after each part. A later run adds to the report of its date, and replaces the parts that it
# measures again, so the parts can be run one by one.
#
# The machine should have nothing else to do. bench/README.md says how to read the result.

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh

need_packages gcc libc6-dev binutils python3 valgrind strace nginx-light redis-server redis-tools
# Peers and load generators: the report says which of them could not be had.
for package in memcached libmemcached-tools apache2-utils wrk ltrace linux-perf libsocket-wrapper mptcpize torsocks proxychains4; do
	(need_packages "$package") || note "without $package"
done
need_cargo
build_release

say "Measurements"
export PYTHONDONTWRITEBYTECODE=1
python3 -m bench "$@"
