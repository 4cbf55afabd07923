# shellcheck shell=bash
#
# Debian packages that a script needs: installed only if they are missing.

# need_packages PACKAGE…: installs those that are missing; if none is, needs neither network nor root.
need_packages() {
	local package missing=()
	for package in "$@"; do
		is_installed "$package" || missing+=("$package")
	done
	((${#missing[@]})) || return 0

	local list="${missing[*]}"
	command -v apt-get >/dev/null ||
		die "needs these Debian packages, and there is no apt-get here; please install their like: $list"
	[[ $EUID -eq 0 ]] ||
		die "needs packages that only root can install. Run this as root, then start again:
    apt-get install --no-install-recommends $list"

	say "Installing Debian packages: $list"
	install_packages "${missing[@]}"
	for package in "${missing[@]}"; do
		is_installed "$package" || die "apt-get said that it installed $package, but it is not there"
	done
}

# need_commands COMMAND=PACKAGE…: the packages of the commands that are missing. A command may have been installed without
# its package, so a user who has the command needs no package.
need_commands() {
	local pair wanted=()
	for pair in "$@"; do
		command -v "${pair%%=*}" >/dev/null || wanted+=("${pair#*=}")
	done
	((!${#wanted[@]})) || need_packages "${wanted[@]}"
}

is_installed() {
	[[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# A subshell, so that the trap that restores the policy is its own and runs however apt-get ends.
install_packages() (
	trap allow_services EXIT
	forbid_services
	output=$(mktemp)
	export DEBIAN_FRONTEND=noninteractive
	# The package lists may be absent (a new container) or too old (the file is gone from the mirror): only then
	# is the list fetched again.
	if ! apt_get install "$@" >"$output" 2>&1; then
		note "apt-get update"
		if ! { apt_get update && apt_get install "$@"; } >"$output" 2>&1; then
			cat "$output" >&2
			rm -f "$output"
			die "apt-get could not install: $*"
		fi
	fi
	rm -f "$output"
)

apt_get() {
	local verb=$1
	shift
	apt-get "$verb" --yes --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# Debian starts a server as soon as its package is installed, unless this program forbids it. The tests start their
# own servers, on ports and files of their own, so none may be started here. An existing policy of the machine is
# moved away and restored.
policy=/usr/sbin/policy-rc.d
policy_aside=/usr/sbin/policy-rc.d.before-sockshim

forbid_services() {
	# If an earlier run was killed, our file is still there, and the machine's own was already moved away.
	if [[ -e $policy || -L $policy ]] && ! grep -qs sockshim "$policy"; then
		mv "$policy" "$policy_aside"
	fi
	printf '#!/bin/sh\n# Put here for a moment by the scripts of sockshim: no service starts.\nexit 101\n' >"$policy"
	chmod 755 "$policy"
}

allow_services() {
	rm -f "$policy"
	if [[ -e $policy_aside || -L $policy_aside ]]; then
		mv "$policy_aside" "$policy"
	fi
}
