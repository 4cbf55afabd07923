#!/usr/bin/env bash
#
# The whole idea in a minute: a small HTTP server, unchanged, run under sockshim; two pages fetched from it; and the
# log of what the socket layer decided for every call that the server made.
#
#   scripts/demo.sh
#
# It needs a Rust toolchain, a C compiler and curl. Root is needed only to install what is missing of the last two; an
# ordinary user is told what to install. SOCKSHIM_SO names another library than the release build.

source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source scripts/lib/packages.sh
source scripts/lib/cargo.sh

need_commands curl=curl
if [[ -z ${SOCKSHIM_SO:-} ]]; then
	need_cargo
	build_release
	SOCKSHIM_SO=$(library)
fi

make_work_directory
log=$work/decisions.log

say "Compiling c-tests/http.c, a small HTTP server that knows nothing about sockshim"
cc -O2 -Wall -o "$work/http" c-tests/http.c
mkdir "$work/site"
echo '<h1>Hello from an unchanged program</h1>' >"$work/site/index.html"

say "LD_PRELOAD=libsockshim.so SOCKSHIM_LOG=call ./http 0 site"
: >"$work/stdout"
LD_PRELOAD=$SOCKSHIM_SO SOCKSHIM_LOG=call SOCKSHIM_LOG_FORMAT=text SOCKSHIM_LOG_FILE=$log \
	"$work/http" 0 "$work/site" >"$work/stdout" 2>"$work/stderr" &
server=$!
ends_with_script "$server"

server_listens_or_ended() { grep -q '^listening on ' "$work/stdout" || ! kill -0 "$server" 2>/dev/null; }
wait_until 30 server_listens_or_ended || die "the server did not start listening within 30 seconds"
address=$(sed -n 's/^listening on //p' "$work/stdout")
if [[ -z $address ]]; then
	cat "$work/stderr" >&2
	die "the server ended before it listened"
fi
note "listening on $address"

# fetch PATH STATUS: shows the status line, and fails on another status. A proxy in the environment is ignored.
fetch() {
	local path=$1 expected=$2 line
	curl --silent --show-error --noproxy '*' --max-time 30 --dump-header "$work/headers" --output "$work/body" \
		"http://$address$path" || die "curl could not fetch $path from the server"
	line=$(head -n 1 "$work/headers" | tr -d '\r')
	note "GET $path    $line"
	[[ $line == HTTP/1.?\ $expected* ]] || die "expected status $expected for $path, got: $line"
}

say "Fetching a page, and one that is not there"
fetch /index.html 200
cmp --silent "$work/body" "$work/site/index.html" || die "the page that curl got is not the file that the server has"
fetch /missing.html 404

stop_process "$server"
wait "$server" || die "the server ended with status $?, and an HTTP server that is asked to stop ends with 0"

say "What the socket layer decided: one line a call, and below it the path that the call took in the kernel's terms"
[[ -s $log ]] || die "the decision log is empty: was the library loaded? stderr of the server: $(<"$work/stderr")"
sed 's/^/    /' "$log"
for call in socket bind listen accept close; do
	grep -Eq "(^|[^a-z_])${call}4?\(" "$log" || die "the decision log names no $call() call"
done
[[ ! -s $work/stderr ]] || die "the server wrote to stderr under the shim: $(<"$work/stderr")"

say "The server ran unchanged, served both answers, and every socket call of it is in the log above."
note "Next: SOCKSHIM_LOG=io logs the data calls too; target/release/sockshim tables prints the tables that were consulted."
note "docs/README.md lists what else there is."
