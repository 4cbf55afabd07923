# shellcheck shell=bash
#
# What the scripts share that run as root under another kernel: they print each part's output between two lines that name it.
# KERNEL is the kernel's directory.

# as_user COMMAND…: runs it as an unprivileged user.
as_user() { setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/tmp "$@"; }

# part NAME COMMAND…: runs it, and says how it ended.
part() {
	local name=$1 status=0
	shift
	printf '== begin %s\n' "$name"
	"$@" || status=$?
	printf '== end %s %d\n' "$name" "$status"
}

# load MODULE…: one after the other, because one that fails must not stop the rest.
load() {
	local module
	# shellcheck disable=SC2048 # The list of a variable is words.
	for module in $*; do
		modprobe --dirname "$KERNEL" --quiet "$module" 2>/dev/null
	done
}

# open_to_everybody FILE…: lets other users reach it, also below a directory such as /root. It changes only the layer of memory.
open_to_everybody() {
	local path
	for path in "$@"; do
		until [[ $path == / ]]; do
			path=$(dirname "$path")
			chmod o+x "$path"
		done
	done
}
