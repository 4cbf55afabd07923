# shellcheck shell=bash
#
# Boots another kernel in QEMU, with this machine's files: a Debian kernel package, unpacked and never installed, sees the
# root directory read-only over 9p, below a layer of memory for what it writes.
#
# Files are found under the same names as outside, so a program that was built here is run there as it is.

# need_qemu: the packages that a boot needs.
need_qemu() {
	need_commands qemu-system-x86_64=qemu-system-x86 cpio=cpio modprobe=kmod xz=xz-utils
	need_packages seabios
}

# fetch_kernel RELEASE DIRECTORY: unpacks the kernel of this Debian release into the absolute directory, if it is not there, and
# a busybox beside it. apt reads lists and a state of its own there: the machine's own stay as they are, and what is installed on
# it has no say.
fetch_kernel() {
	local release=$1 directory=$2 mirror package
	[[ ! -e $directory/unpacked ]] || return 0
	say "The kernel of Debian $release"
	# What an interrupted run has left.
	rm -rf "$directory"
	mkdir -p "$directory"/apt/{lists,cache}/partial
	: >"$directory/apt/status"
	mirror=$(debian_mirror)
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" >"$directory/apt/sources.list"
	own_apt() {
		"$1" -o Dir::Etc::SourceList="$directory/apt/sources.list" -o Dir::Etc::SourceParts=- \
			-o Dir::Etc::Preferences=- -o Dir::Etc::PreferencesParts=- -o APT::Default-Release= \
			-o Dir::State::Lists="$directory/apt/lists" -o Dir::State::status="$directory/apt/status" \
			-o Dir::Cache="$directory/apt/cache" -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any \
			-o Acquire::Languages=none -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false "${@:2}"
	}
	own_apt apt-get --quiet update >"$directory/apt/log" 2>&1 || die "no list of packages for $release: $(tail -n 1 "$directory/apt/log")"
	package=$(own_apt apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1) || true
	[[ -n $package ]] || die "Debian $release at $mirror names no kernel"
	(cd "$directory/apt" && own_apt apt-get --quiet download "$package" busybox-static >>log 2>&1) ||
		die "$package and busybox-static cannot be fetched: $(tail -n 1 "$directory/apt/log")"
	dpkg-deb --extract "$directory"/apt/linux-image-*.deb "$directory"
	dpkg-deb --extract "$directory"/apt/busybox-static_*.deb "$directory/apt/busybox"
	cp "$(find "$directory/apt/busybox" -path '*bin/busybox' -type f)" "$directory/busybox"
	[[ -d $directory/lib ]] || ln -s usr/lib "$directory/lib"
	depmod -b "$directory" "$(kernel_version "$directory")"
	rm -rf "$directory/apt"
	touch "$directory/unpacked"
}

# debian_mirror: where this machine's own packages come from.
debian_mirror() {
	local mirror
	# shellcheck disable=SC2016 # The dollar is apt's.
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null | grep -v security | head -n 1)
	printf '%s\n' "${mirror:-http://deb.debian.org/debian}"
}

# kernel_version DIRECTORY: what uname -r will print.
kernel_version() { ls "$1/lib/modules"; }

# make_initramfs DIRECTORY FILE: busybox, the modules that reach the root directory, and `init.sh`.
make_initramfs() {
	local directory=$1 file=$2 version tree module path
	version=$(kernel_version "$directory")
	tree=$(mktemp -d -p "$work")
	mkdir -p "$tree"/{bin,modules,proc,sys,dev,lower,layer,root}
	cp "$directory/busybox" "$tree/bin/busybox"
	cp scripts/lib/kernels/init.sh "$tree/init"
	chmod 755 "$tree/init"
	for module in virtio_pci 9pnet_virtio 9p overlay; do
		modprobe -d "$directory" -S "$version" --show-depends "$module" | sed -n 's/^insmod \(.*\.ko[.a-z]*\).*/\1/p'
	done | awk '!seen[$0]++' | while read -r path; do
		case $path in
		*.xz) xz --decompress --stdout "$path" >"$tree/modules/$(basename "$path" .xz)" ;;
		*) cp "$path" "$tree/modules/" ;;
		esac
		basename "$path" .xz >>"$tree/modules/order"
	done
	[[ -s $tree/modules/order ]] || die "the kernel in $directory has no modules for its root directory"
	(cd "$tree" && find . | cpio --create --format=newc --quiet | gzip -1) >"$file"
	rm -rf "$tree"
}

# in_kernel DIRECTORY SECONDS COMMAND…: runs the command as root under the kernel. Its output is printed when it has ended; the
# status is the command's, or 125 when the kernel has not come to the end of it, and then what it said is printed. With
# KERNEL the command finds the kernel's directory.
in_kernel() {
	local directory=$1 seconds=$2 share emulator status=125
	shift 2
	share=$(mktemp -d -p "$work")
	printf '%q ' "$@" >"$share/command"
	printf 'export PATH=%q HOME=%q KERNEL=%q LC_ALL=C\ncd %q\n' "$PATH" "$HOME" "$directory" "$PWD" >"$share/environment"
	make_initramfs "$directory" "$share/initramfs"
	cp "$directory/busybox" "$share/busybox"
	# In the background, so that a signal to the script reaches it at once. Emulated: KVM hangs on some machines.
	timeout --kill-after=10 "$seconds" qemu-system-x86_64 -accel "${SOCKSHIM_QEMU_ACCEL:-tcg,thread=multi}" -cpu max -smp 2 -m 2048 \
		-nographic -net none -no-reboot -kernel "$directory/boot/vmlinuz-$(kernel_version "$directory")" -initrd "$share/initramfs" \
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap -device virtio-9p-pci,fsdev=root,mount_tag=root \
		-fsdev local,id=share,path="$share",security_model=none -device virtio-9p-pci,fsdev=share,mount_tag=share \
		-append "console=ttyS0 quiet panic=1" </dev/null >"$share/console" 2>&1 &
	emulator=$!
	ends_with_script "$emulator"
	wait "$emulator" || true
	# Its number may be another process's soon.
	unset 'cleanup_pids[-1]'
	[[ ! -s $share/output ]] || cat "$share/output"
	if [[ -s $share/status ]]; then
		status=$(<"$share/status")
	else
		tail -n 20 "$share/console" | tr -d '\r'
	fi
	rm -rf "$share"
	return "$status"
}
