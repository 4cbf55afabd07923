#!/usr/bin/env bash
#
# Is anything missing in the log? Runs the HTTP server of c-tests under strace and under the shim at once, fetches pages
# from it, and compares what the two recorded, call by call. Prints a table; the status is 1 when the two differ.
#
#   scripts/compare-strace.sh [--level call|io] [--requests N] [--keep DIRECTORY]
#
#   --level     what to log: control calls (the default), or data calls too
#   --requests  how many pages to fetch (default 20; every fourth is not there)
#   --keep      leave strace's output (strace.txt) and the log (*.jsonl) in this directory, for a closer look
#
# SOCKSHIM_SO names another library than the release build.

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh

level=call
requests=20
keep=
while (($#)); do
	case $1 in
	--level) level=${2:?"--level needs a value"} ;;
	--requests) requests=${2:?"--requests needs a value"} ;;
	--keep) keep=${2:?"--keep needs a value"} ;;
	*) die "unknown option: $1" ;;
	esac
	shift 2
done
[[ $level == call || $level == io ]] || die "no such level: $level"

need_packages gcc libc6-dev strace curl python3 procps
so=${SOCKSHIM_SO:-}
if [[ -z $so ]]; then
	need_cargo
	build_release
	so=$(library)
fi

make_work_directory
keep=${keep:-$work}
mkdir -p "$keep" "$work/site"
cc -O1 -o "$work/http" c-tests/http.c
echo '<h1>page</h1>' >"$work/site/index.html"
head -c 300000 /dev/zero >"$work/site/large"

# %network is compared; the rest shows which descriptors are sockets, the results of interrupted calls, and which thread
# is the log's writer. strace sets the variables, so that strace itself does not run under the shim.
: >"$work/stdout"
strace -f -o "$keep/strace.txt" \
	-e trace=%network,close,read,readv,write,writev,rt_sigreturn,close_range,unshare \
	-E LD_PRELOAD="$so" -E SOCKSHIM_LOG="$level" -E SOCKSHIM_LOG_FORMAT=json -E SOCKSHIM_LOG_FILE="$keep/%p.jsonl" \
	"$work/http" 0 "$work/site" >"$work/stdout" &
tracer=$!
ends_with_script "$tracer"

listens_or_ended() { grep -q '^listening on ' "$work/stdout" || ! kill -0 "$tracer" 2>/dev/null; }
wait_until 60 listens_or_ended || die "the server did not start listening"
address=$(sed -n 's/^listening on //p' "$work/stdout")
[[ -n $address ]] || die "the server ended before it listened"

pages=(index.html large missing.html "")
for ((i = 0; i < requests; i++)); do
	curl --no-progress-meter --noproxy '*' --max-time 60 --output /dev/null "http://$address/${pages[i % 4]}" ||
		die "curl could not fetch a page"
done

# The server is the one child of strace; it ends by itself on SIGTERM, and strace with it.
server=$(pgrep --parent "$tracer")
kill -TERM "$server"
wait "$tracer" || die "the server ended with status $?"

log=$keep/$server.jsonl
[[ -e $log ]] || die "there is no log: was the library loaded?"
say "strace and the log at level $level, $requests requests"
python3 scripts/lib/compare_strace.py "$level" "$keep/strace.txt" "$log"
