#!/bin/bash
#
# Runs in a new Debian: installs the package first.deb, uses it, upgrades it to second.deb, and takes it away again.

set -euo pipefail
cd /root

fail() {
	printf 'try_package.sh: %s\n' "$*" >&2
	exit 1
}

# Every file but what dpkg itself writes down.
files() {
	find / -xdev \( -path /proc -o -path /var/lib/dpkg -o -path /var/log -o -path /root -o -path /tmp \) -prune -o -print |
		sort
}

# try: the command, both libraries, and what shells and man look for.
try() {
	local library=/usr/lib/x86_64-linux-gnu/sockshim/libsockshim.so why file
	for file in man/man1/sockshim-trace.1.gz bash-completion/completions/sockshim zsh/vendor-completions/_sockshim \
		fish/vendor_completions.d/sockshim.fish; do
		[[ -s /usr/share/$file ]] || fail "there is no /usr/share/$file"
	done
	sockshim --version
	# shellcheck disable=SC2016 # The variable is the program's.
	[[ $(sockshim run -- sh -c 'echo "$LD_PRELOAD"') == "$library" ]] || fail "the command does not find the library"
	sockshim check curl
	# An address for documentation: if sockshim let the call pass, the answer would be another one, or none.
	why=$(sockshim run --offline -- curl --silent --verbose --max-time 5 http://192.0.2.1/ 2>&1) && fail "curl got something"
	[[ $why == *"Network is unreachable"* ]] || fail "--offline did nothing: $why"
	why=$(sockshim run --fail connect=EPERM --strict -- curl --silent --verbose http://127.0.0.1:9/ 2>&1) && fail "curl got something"
	[[ $why == *"Operation not permitted"* ]] || fail "the rule did nothing: $why"
	printf '[[rule]]\ncall = "connect"\nfail = "EPERM"\n' >rules.toml
	why=$(SOCKSHIM_CONFIG=rules.toml LD_PRELOAD=$library curl --silent --verbose http://127.0.0.1:9/ 2>&1) && fail "curl got something"
	[[ $why == *"Operation not permitted"* ]] || fail "the file of rules did nothing: $why"
	why=$(sockshim self-test) || fail "the self-test fails: $why"
	# In this namespace nothing is resolved, and every port is free.
	unshare --net -- bash try_trace.sh
}

files >before
dpkg --install first.deb
try
dpkg --install second.deb
[[ $(dpkg-query --show --showformat='${Version}' sockshim) == *-2 ]] || fail "it is not upgraded"
try
dpkg --verify sockshim
dpkg --remove sockshim
dpkg --purge sockshim
! dpkg-query --show sockshim 2>/dev/null || fail "dpkg still knows it"
files >after
diff before after || fail "something is left"
echo "installed, used, upgraded and purged in Debian $(cat /etc/debian_version); nothing is left"
