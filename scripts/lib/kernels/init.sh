#!/bin/busybox sh
#
# The first process of a kernel that boot.sh has started: makes the root directory, and becomes the command there.

busybox=/bin/busybox
mount="$busybox mount"
$mount -t proc proc /proc
$mount -t sysfs sys /sys
$mount -t devtmpfs dev /dev
while read -r module; do
	$busybox insmod "/modules/$module" 2>/dev/null
done </modules/order
$mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose root /lower
$mount -t tmpfs layer /layer
$busybox mkdir /layer/upper /layer/work
$mount -t overlay -o lowerdir=/lower,upperdir=/layer/upper,workdir=/layer/work overlay /root
$mount -t proc proc /root/proc
$mount -t sysfs sys /root/sys
$mount -t devtmpfs dev /root/dev
$busybox mkdir -p /root/dev/pts /root/dev/shm /root/share
$mount -t devpts pts /root/dev/pts
$mount -t tmpfs -o mode=1777 shm /root/dev/shm
$mount -t tmpfs -o mode=755 run /root/run
$mount -t cgroup2 cgroup /root/sys/fs/cgroup
$mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 share /root/share
$busybox ip link set lo up
$busybox hostname sockshim
# A miss in net_families[] would start a program each time.
echo >/proc/sys/kernel/modprobe
# switch_root, unlike chroot, lets programs make user namespaces.
# shellcheck disable=SC2016 # The variables are the inner shell's.
exec $busybox switch_root /root /bin/bash -c '. /share/environment
	(. /share/command) >/share/output 2>&1
	echo $? >/share/status
	/share/busybox reboot -f'
