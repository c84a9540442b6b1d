// SPDX-License-Identifier: MIT
// The two scripts that run as process 1 of a guest. Ports: vport1p1 carries the command's stdout, vport1p2 its stderr, vport1p3 the job in
// (one line of base64) and its exit code out. The console carries the kernel's words, shown only when something goes wrong.

/** Modules of every guest, by the kernel's names; their dependencies are found by modulesInOrder. */
export const MODULES = [
  'virtio_pci',
  'virtio_console',
  'virtio_blk',
  '9pnet_virtio',
  '9pnet_fd',
  '9p',
  'crc32c_generic',
  'ext4',
  'overlay',
  'fuse',
  'loop',
  'dm_flakey',
  'quota_v2',
  'vsock_loopback',
] as const;

/** QEMU carries at most this in one 9P message of `-virtfs` over virtio (its ring has 128 descriptors of a page). */
const ROOT_MSIZE = 512_000;

/**
 * First root: modules, then the host's files, read-only, below an overlay in memory: what a guest writes never reaches the host.
 * `access=any` because the overlay judges by the mode bits, and one fid for all spares an attach for each user.
 */
export const FIRST = `#!/bin/busybox sh
set -e
bb=/bin/busybox
$bb mkdir -p /proc /sys /dev /lower /upper /root
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs dev /dev
while read -r m; do $bb insmod /modules/$m.ko; done </modules/order
$bb mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,access=any,msize=${ROOT_MSIZE} root /lower
$bb mount -t tmpfs -o size=50% tmpfs /upper
$bb mkdir /upper/files /upper/work
$bb mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /root
$bb mount -t tmpfs tmpfs /root/run
$bb mkdir -p /root/run/guest/lower /root/run/lock
$bb mount --bind /lower /root/run/guest/lower
$bb cp /bin/busybox /second /root/run/guest/
for d in proc sys dev; do $bb mount --move /$d /root/$d; done
exec $bb switch_root /root /run/guest/busybox sh /run/guest/second
`;

/**
 * The host's root, with an empty ext4 as /tmp: a file system with everything that the tests need. Runs the job and ends the machine;
 * with -no-reboot a restart ends QEMU.
 */
export const SECOND = `bb=/run/guest/busybox
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
$bb mkdir -p /dev/pts /dev/shm
$bb mount -t devpts devpts /dev/pts
$bb mount -t tmpfs tmpfs /dev/shm
$bb mount -t ext4 -o acl,user_xattr /dev/vda /tmp
$bb chmod 1777 /tmp /dev/shm
$bb chmod 666 /dev/fuse
$bb ln -sfn /proc/self/fd /dev/fd
$bb ip link set lo up
$bb hostname guest
for p in /sys/class/virtio-ports/*; do
  read -r name <$p/name
  eval "port_$name=/dev/\${p##*/}"
done
read -r job <$port_control
echo "$job" | $bb base64 -d >/run/guest/job
$bb setsid $bb sh /run/guest/job </dev/null >$port_out 2>$port_err
echo $? >$port_control
$bb sync
$bb reboot -f
`;
