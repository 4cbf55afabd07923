#!/bin/bash
#
# Runs in a new Debian, in a network namespace of its own: says a trace why a program gets a page, or why it gets none?

set -euo pipefail
cd /root

fail() {
	printf 'try_trace.sh: %s\n' "$*" >&2
	exit 1
}

# traced STATUS PROG…: traces a program, which has to end with this status.
traced() {
	local expected=$1 status=0
	shift
	sockshim trace -o trace -- "$@" >stdout 2>stderr || status=$?
	[[ $status == "$expected" ]] || fail "$*: status $status instead of $expected: $(<stderr)"
	traced=$*
}

# shows PATTERN…: the trace has a line for each of them.
shows() {
	local pattern
	for pattern in "$@"; do
		grep --quiet --extended-regexp "$pattern" trace ||
			fail "$traced: the trace has no line such as '$pattern':"$'\n'"$(<trace)"
	done
}

listens() { (: </dev/tcp/127.0.0.1/8080) 2>/dev/null; }

busybox ip link set lo up
mkdir -p site
echo hello >site/index.html
busybox httpd -f -p 127.0.0.1:8080 -h site &
trap 'kill $!' EXIT
for ((tries = 0; tries < 100; tries++)); do
	! listens || break
	sleep 0.1
done

traced 0 curl --silent --show-error http://127.0.0.1:8080/
[[ $(<stdout) == hello ]] || fail "curl got another page: $(<stdout)"
shows 'connect\(.*htons\(8080\)' 'SO_ERROR, \[0\]' '^sockets .*1 TCP \(1 connected\)'

# curl does not wait in connect, so it is told later.
traced 7 curl --silent --show-error http://127.0.0.1:9/
shows 'connect\(.*htons\(9\).* = -1 EINPROGRESS ' 'SO_ERROR, \[ECONNREFUSED\]' \
	'^errors .*1 × connect ECONNREFUSED +told later, by SO_ERROR'

# bash waits, so the call itself fails, and has its path.
traced 1 bash -c ': </dev/tcp/127.0.0.1/9'
shows 'connect\(.*htons\(9\).* = -1 ECONNREFUSED ' '^    tcp_v4_connect  ' '^errors .*1 × connect ECONNREFUSED'

traced 6 curl --silent --show-error http://nowhere.invalid/
shows 'getaddrinfo\("nowhere\.invalid".* = -[0-9]+ EAI_' '^(errors)? .*1 × getaddrinfo EAI_'

echo "a trace says why curl is served, is refused, and finds no host"
