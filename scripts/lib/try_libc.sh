#!/bin/bash
#
# Runs in a new Debian, with its glibc: C programs and real programs do the same natively and with the library, whether it
# logs or not; and the command works. The programs are in programs/, the library is libsockshim.so, and test.so is the one that
# panics.

# shellcheck disable=SC2317 # Functions are called by their names, which are arguments.

set -uo pipefail
cd /root || exit
export LC_ALL=C
failed=0

# check NAME COMMAND…: one line says whether the command succeeds; if not, what it has said follows.
check() {
	local name=$1
	shift
	if "$@" >said 2>&1; then
		printf '    passed   %s%s\n' "$name" "$(sed -n 's/^note: /: /p' said)"
	else
		printf '    failed   %s\n' "$name"
		sed 's/^/        /' said | tail -n 40
		failed=1
	fi
}

# environment WAY: sets the array variables, for a run natively, or with the library, quiet or with a log in log/.
environment() {
	variables=()
	[[ $1 == native ]] || variables+=(LD_PRELOAD=/root/libsockshim.so)
	[[ $1 != io ]] || variables+=(SOCKSHIM_LOG=io SOCKSHIM_LOG_FORMAT=json SOCKSHIM_LOG_FILE=/root/log/%p)
}

# run_as WAY COMMAND…
run_as() {
	environment "$1"
	env "${variables[@]}" "${@:2}"
}

# serve WAY COMMAND…: in the background, where it takes the place of the shell.
serve() {
	environment "$1"
	exec env "${variables[@]}" "${@:2}"
}

# The log is not empty, and no answer is another one than was predicted.
log_is_good() {
	[[ -n $(cat log/* 2>/dev/null) ]] || { echo "there is no log"; return 1; }
	! grep --no-filename '"call":"divergence"' log/* || return 1
	rm -rf log
}

# transcript WAY PROGRAM: what it prints, and how it ends.
transcript() {
	local directory status=0
	directory=$(mktemp -d)
	(cd "$directory" && run_as "$1" timeout 60 "$2" 2>/dev/null </dev/null) || status=$?
	rm -rf "$directory"
	echo "status $status"
}

c_programs() {
	local program native way output tried=0 skipped=0 bad=0
	for program in "$PWD"/programs/*; do
		native=$(transcript native "$program")
		if [[ $native == *'status 77' ]]; then
			((++skipped))
			continue
		fi
		((++tried))
		for way in native off io; do
			rm -rf log && mkdir log
			output=$(transcript "$way" "$program")
			if [[ $output != "$native" ]]; then
				echo "${program##*/} as $way:"
				diff <(echo "$native") <(echo "$output")
				bad=1
			fi
			[[ $way != io ]] || log_is_good || { echo "${program##*/}: the log"; bad=1; }
		done
	done
	echo "note: $tried programs, and $skipped for which something is missing here"
	((tried && !bad))
}

# Each of these calls panics in the library, which must not show. Afterwards the log says that it has.
panics() {
	local call output native panicked=0
	native=$(transcript native "$PWD/calls")
	for call in socket bind listen accept connect close dup2 fcntl getsockopt ioctl send recvmsg read write poll fork execve _exit; do
		rm -rf log && mkdir log
		output=$(export LD_PRELOAD=/root/test.so SOCKSHIM_PANIC=$call SOCKSHIM_WITHOUT_FAST_PATH=1 SOCKSHIM_LOG=io
			export SOCKSHIM_LOG_FORMAT=json SOCKSHIM_LOG_FILE=/root/log/%p
			transcript native "$PWD/calls")
		diff <(echo "$native") <(echo "$output") || return 1
		! grep --quiet '"shim-panic"' log/* || ((++panicked))
	done
	echo "note: $panicked calls"
	((panicked > 10))
}

# stop PID: ends a server of ours.
stop() {
	kill "$1"
	wait "$1"
}

# until_it_answers COMMAND…: a server needs a moment.
until_it_answers() {
	local tries
	for ((tries = 0; tries < 100; tries++)); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	return 1
}

python_and_curl() {
	serve "$1" python3 -m http.server --bind 127.0.0.1 --directory www 18080 >/dev/null 2>&1 &
	local server=$!
	until_it_answers curl --silent --fail http://127.0.0.1:18080/file
	run_as "$1" curl --silent --show-error http://127.0.0.1:18080/file | md5sum
	run_as "$1" curl --silent --show-error http://127.0.0.1:9/ 2>&1 | sed 's/after [0-9]* ms/after a while/'
	stop "$server"
}

# The server of scripts/demo.sh.
demo() {
	local address
	rm -f listening
	serve "$1" ./http 0 www >listening 2>&1 &
	local server=$!
	until_it_answers grep --quiet '^listening on ' listening
	address=$(sed -n 's/^listening on //p' listening)
	run_as "$1" curl --silent --show-error "http://$address/file" | md5sum
	run_as "$1" curl --silent --output /dev/null --write-out '%{http_code}\n' "http://$address/missing"
	stop "$server"
	echo "status $?"
	[[ $1 != io ]] || has_calls socket bind listen accept close
}

# has_calls CALL…: the log has them.
has_calls() {
	local call
	for call; do
		grep --quiet --no-filename "\"call\":\"${call}4\?\"" log/* || echo "$call is not in the log"
	done
}

# A rule file, read by the command and by the library; without the rule, the connection would be refused.
rules() {
	local why
	printf '[[rule]]\ncall = "connect"\nfail = "EPERM"\n' >rules.toml
	why=$(./sockshim run --config rules.toml --strict -- curl --silent --verbose http://127.0.0.1:9/ 2>&1)
	[[ $why == *"Operation not permitted"* ]] || { echo "the command: $why"; return 1; }
	why=$(LD_PRELOAD=/root/libsockshim.so SOCKSHIM_CONFIG=rules.toml curl --silent --verbose http://127.0.0.1:9/ 2>&1)
	[[ $why == *"Operation not permitted"* ]] || { echo "the library alone: $why"; return 1; }
	echo 'call = "connect"' >wrong.toml
	why=$(LD_PRELOAD=/root/libsockshim.so SOCKSHIM_CONFIG=wrong.toml curl --silent --verbose http://127.0.0.1:9/ 2>&1)
	[[ $why == *"wrong.toml"* && $why == *"refused"* ]] || { echo "a wrong file: $why"; return 1; }
}

traces() {
	local trace
	trace=$(./sockshim trace -- curl --silent http://127.0.0.1:9/ 2>&1)
	grep 'connect(.* = -1 E' <<<"$trace" || { echo "no connect in: $trace"; return 1; }
}

nginx_serves() {
	serve "$1" nginx -p /root/nginx -c /root/nginx/nginx.conf &
	local server=$!
	until_it_answers curl --silent --fail http://127.0.0.1:18081/file
	run_as "$1" curl --silent --show-error http://127.0.0.1:18081/file http://127.0.0.1:18081/file | md5sum
	stop "$server"
}

redis_answers() {
	serve "$1" redis-server --port 18082 --save '' >/dev/null &
	local server=$!
	until_it_answers redis-cli -p 18082 ping
	run_as "$1" redis-cli -p 18082 eval 'for i = 1, 1000 do redis.call("rpush", "list", i) end return redis.call("llen", "list")' 0
	run_as "$1" redis-cli -p 18082 lrange list 0 -1 | md5sum
	stop "$server"
}

ssh_logs_in() {
	serve "$1" /usr/sbin/sshd -D -p 18083 -h /root/ssh_key -o PidFile=none -o StrictModes=no \
		-o AuthorizedKeysFile=/root/ssh_key.pub 2>/dev/null &
	local server=$!
	until_it_answers bash -c ': </dev/tcp/127.0.0.1/18083'
	run_as "$1" ssh -p 18083 -i /root/ssh_key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
		127.0.0.1 'echo logged in; exit 3'
	echo "status $?"
	stop "$server"
}

# same FUNCTION: it says the same in each way.
same() {
	local native way output
	native=$("$1" native 2>&1)
	[[ -n $native ]] || { echo "natively it says nothing"; return 1; }
	for way in off io; do
		rm -rf log && mkdir -m 777 log
		output=$("$1" "$way" 2>&1)
		diff <(echo "$native") <(echo "$output") || { echo "as $way"; return 1; }
	done
	log_is_good
}

prepare() {
	mkdir -p www nginx/logs /run/sshd
	head -c 1000000 /dev/urandom >www/file
	chmod 755 /root
	cat >nginx/nginx.conf <<-'END'
		daemon off;
		pid /root/nginx/pid;
		error_log /root/nginx/logs/error;
		events {}
		http {
			access_log off;
			client_body_temp_path /root/nginx/body;
			server { listen 127.0.0.1:18081; root /root/www; }
		}
	END
	ssh-keygen -q -t ed25519 -N '' -f ssh_key
}

getconf GNU_LIBC_VERSION
prepare
check "C programs" c_programs
check "a panic in the library" panics
check "python3 and curl" same python_and_curl
check "the demo" same demo
check nginx same nginx_serves
check redis same redis_answers
check ssh same ssh_logs_in
check "sockshim run" rules
check "sockshim self-test" ./sockshim self-test
check "sockshim trace" traces
exit "$failed"
