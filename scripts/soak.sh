#!/usr/bin/env bash
#
# Long runs: thousands of processes made in every way under a storm of signals, one server that lives for a million
# connections, and storms of a million calls that make, copy and end descriptors, all with everything logged. Nothing may
# hang, crash, be left behind or grow, and the table of descriptors must be right in the end.
#
#   scripts/soak.sh [--cycles N] [--connections N] [--kills N]
#                           10,000 processes, 1,000,000 connections and 10,000 kills if not said otherwise

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh

cycles=10000
connections=1000000
kills=10000
while (($#)); do
	case $1 in
	--cycles) cycles=${2:?} ;;
	--connections) connections=${2:?} ;;
	--kills) kills=${2:?} ;;
	*) die "usage: scripts/soak.sh [--cycles N] [--connections N] [--kills N]" ;;
	esac
	shift 2
done

# How much private memory a process may gain after the first quarter of the run, in KiB: about one byte per connection,
# or one page in thirty processes.
cycles_slack=1024
server_slack=512

need_cargo
need_packages jq
[[ -n ${SOCKSHIM_SO:-} ]] || build_release
SOCKSHIM_SO=${SOCKSHIM_SO:-$(library)}
# In memory if possible: on a busy disk a log may be late for its process's end, which waits only half a second.
[[ -n ${TMPDIR:-} || ! -w /dev/shm ]] || export TMPDIR=/dev/shm
make_work_directory
for program in cycles echo; do
	cc -O1 -pthread -o "$work/$program" "c-tests/moments/$program.c"
done

# shimmed LOG COMMAND…: everything is logged.
shimmed() {
	LD_PRELOAD=$SOCKSHIM_SO SOCKSHIM_LOG=io SOCKSHIM_LOG_FORMAT=json SOCKSHIM_LOG_FILE=$1 "${@:2}"
}

failures=0
failed() {
	printf '    FAILED: %s\n' "$*"
	failures=$((failures + 1))
}

# within SLACK EARLY LATE: KiB.
within() { (($3 - $2 <= $1)) || failed "resident memory grew from $2 KiB to $3 KiB, by more than $1 KiB"; }

say "$cycles processes by fork, fork and exec, vfork and exec, posix_spawn, under a storm of signals"
mkdir "$work/logs"
began=$SECONDS
shimmed "$work/logs/%p.jsonl" timeout 3600 "$work/cycles" "$cycles" >"$work/cycles.out" || failed "the program exits with $?"
note "$((SECONDS - began)) s"
sed 's/^/    /' "$work/cycles.out"
grep -q "^children $cycles, wrong 0, zombies 0, descriptors +0, stormy$" "$work/cycles.out" || failed "see the line above"
read -r parent quarter last < <(
	sed -nE 's/^resident KiB of ([0-9]+): ([0-9]+) .*, ([0-9]+) at the end$/\1 \2 \3/p' "$work/cycles.out")
within "$cycles_slack" "$quarter" "$last"

# Every log must consist of whole lines of JSON and have the children's calls: three pairs each, and three more for the
# one in four that executes a program after fork. The parent's own log is not checked: it may have dropped events.
say "The children's logs"
rm "$work/logs/$parent.jsonl"
logs=$(find "$work/logs" -name '*.jsonl' | wc -l)
logged=$(find "$work/logs" -name '*.jsonl' -exec cat {} + |
	jq -n 'reduce (inputs | select(.call == "socketpair" or .call == "dropped")) as $event
		(0; if $event.call == "dropped" then -1e9 else . + 1 end)') || failed "a log is not JSON"
expected=$((3 * (cycles + (cycles + 2) / 4)))
note "$logs logs with $logged of $expected pairs"
((logged == expected)) || failed "the logs have $logged pairs, and $expected were made"
rm -rf "$work/logs"

# A process that is killed at a random moment loses no call that had returned.
say "$kills kills at random moments"
cc -O1 -pthread -o "$work/killed" c-tests/stress/killed.c
for case in "call getsockname" "io send"; do
	read -r level call <<<"$case"
	mkdir "$work/kills"
	LD_PRELOAD=$SOCKSHIM_SO SOCKSHIM_LOG=$level SOCKSHIM_LOG_FORMAT=json SOCKSHIM_LOG_FILE=$work/kills/%p.jsonl \
		"$work/killed" $((kills / 2)) kill "$work/kills" "$call" 0 || failed "level $level: $call"
	rm -rf "$work/kills"
done

say "$connections connections to one server"
mkfifo "$work/log"
# Opened for reading and writing, so that the open does not wait for the other end.
exec 9<>"$work/log"
tail -n 1 "$work/log" >"$work/summary" 9>&- &
reader=$!
ends_with_script "$reader"
began=$SECONDS
shimmed "$work/log" "$work/echo" server "$connections" $((connections / 20)) >"$work/server.out" 9>&- &
server=$!
ends_with_script "$server"
listens() { grep -q '^port ' "$work/server.out" || ! kill -0 "$server" 2>/dev/null; }
wait_until 60 listens || die "the server does not listen"
exec 9>&-
"$work/echo" client "$(sed -n 's/^port //p' "$work/server.out")" "$connections" || failed "the client exits with $?"
wait "$server" || failed "the server exits with $?"
wait "$reader" || failed "the log's reader exits with $?"
note "$((SECONDS - began)) s"
grep -v '^port' "$work/server.out" | awk '{printf "    after %8d connections %6d KiB\n", $1, $2}'
note "log: $(jq -c .args "$work/summary")"
within "$server_slack" "$(sed -n 6p "$work/server.out" | cut -d ' ' -f 2)" "$(tail -n 1 "$work/server.out" | cut -d ' ' -f 2)"

say "Storms of a million calls on descriptors"
cargo test --quiet --locked --package sockshim-itest --test fd_paths -- --ignored >"$work/storms" 2>&1 ||
	failed "the table and the kernel disagree: $(cat "$work/storms")"

printf '\n%s\n' "$([[ $failures == 0 ]] && echo 'nothing hangs, nothing is left, nothing grows' || echo "$failures failures")"
((failures == 0))
