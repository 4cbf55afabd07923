# shellcheck shell=bash
#
# What every script here starts with: strict mode, the repository's root as the current directory, and a clean-up
# that runs however the script ends.
#
#   source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

set -euo pipefail
# The C locale, so that messages and sorting do not depend on the user's language.
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Prints a step, so that the reader sees the progress of a long run.
say() { printf '\n==> %s\n' "$*"; }

# Prints a detail of a step.
note() { printf '    %s\n' "$*"; }

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# The processes that the trap below ends.
cleanup_pids=()
work=

# Stops what was started in the background, then removes the work directory. SIGTERM comes first, so that a program
# can end by itself; one that ignores it is killed.
cleanup() {
	local status=$? pid
	trap - EXIT
	for pid in "${cleanup_pids[@]}"; do
		stop_process "$pid"
	done
	[[ -z $work ]] || rm -rf -- "$work"
	exit "$status"
}
# Bash runs it for SIGHUP, SIGINT and SIGTERM too, and then dies of the signal.
trap cleanup EXIT

# Makes the directory $work, which is removed when the script ends.
make_work_directory() {
	[[ -n $work ]] || work=$(mktemp -d "${TMPDIR:-/tmp}/sockshim.XXXXXX")
}

# ends_with_script PID: the process is stopped when the script ends.
ends_with_script() { cleanup_pids+=("$1"); }

# stop_process PID: SIGTERM, five seconds, SIGKILL. A process that has already ended is not an error.
stop_process() {
	local pid=$1 tries
	kill -TERM "$pid" 2>/dev/null || return 0
	for ((tries = 0; tries < 50; tries++)); do
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null || true
}

# wait_until SECONDS COMMAND…: polls until COMMAND succeeds; fails when the time has passed.
wait_until() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < deadline)) || return 1
		sleep 0.05
	done
}
