// SPDX-License-Identifier: MIT
// Mounting, as root: mount(2), umount(2), fuse(4). An ordinary user goes through fusermount.ts.

import { AT_FDCWD, O_CLOEXEC, O_RDWR } from '../base/sys.ts';
import { c, declare, interrupted, ret } from './libc.ts';
import { cstring, cstrings, pathOf } from './memory.ts';

const mountCall = declare('mount', ['uintptr_t', 'uintptr_t', 'uintptr_t', 'uint64_t', 'uintptr_t']);
const umountCall = declare('umount2', ['uintptr_t', 'int']);

/** include/uapi/linux/mount.h */
export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_SYNCHRONOUS = 16;
export const MS_REMOUNT = 32;
export const MS_DIRSYNC = 128;
/** Linux 5.10: symbolic links of this mount are not followed. Older kernels ignore the bit. */
export const MS_NOSYMFOLLOW = 256;
export const MS_NOATIME = 1024;
export const MS_NODIRATIME = 2048;
export const MS_BIND = 4096;
export const MS_REC = 16384;
export const MS_PRIVATE = 1 << 18;
export const MS_RELATIME = 1 << 21;

export const MNT_FORCE = 1;
/** Lazily: gone from the tree now, ended when nobody uses it any more. */
export const MNT_DETACH = 2;
export const UMOUNT_NOFOLLOW = 8;

/** mount(8)'s words for the flags: the bits they set, and those they clear. */
export const MOUNT_WORDS: ReadonlyMap<string, readonly [set: number, clear: number]> = new Map([
  ['ro', [MS_RDONLY, 0]],
  ['rw', [0, MS_RDONLY]],
  ['nosuid', [MS_NOSUID, 0]],
  ['suid', [0, MS_NOSUID]],
  ['nodev', [MS_NODEV, 0]],
  ['dev', [0, MS_NODEV]],
  ['noexec', [MS_NOEXEC, 0]],
  ['exec', [0, MS_NOEXEC]],
  ['sync', [MS_SYNCHRONOUS, 0]],
  ['async', [0, MS_SYNCHRONOUS]],
  ['dirsync', [MS_DIRSYNC, 0]],
  ['nosymfollow', [MS_NOSYMFOLLOW, 0]],
  ['symfollow', [0, MS_NOSYMFOLLOW]],
  ['noatime', [MS_NOATIME, 0]],
  ['atime', [0, MS_NOATIME]],
  ['nodiratime', [MS_NODIRATIME, 0]],
  ['relatime', [MS_RELATIME, 0]],
]);

/**
 * mount(2). `target` may be `/proc/self/fd/N`, so that the mount lands on the very folder that was checked. `data`: the file system's
 * own options, comma-separated. -EPERM without CAP_SYS_ADMIN.
 */
export function mount(source: string, target: string, fstype: string, flags: number, data: string): number {
  const strings = cstrings([source, target, fstype, data]);
  const [s = 0, t = 0, f = 0, d = 0] = strings.addresses;
  return ret(mountCall(s, t, f, flags, d));
}

/** umount2(2) with MNT_* flags. -EINVAL: no mount point; -EBUSY: in use and not MNT_DETACH. */
export function umount(target: string, flags: number): number {
  const path = cstring(target);
  let r: number;
  do r = ret(umountCall(pathOf(path), flags));
  while (interrupted(r));
  return r;
}

/** A new FUSE connection that is not mounted yet: `/dev/fuse`, close-on-exec. -ENOENT or -ENODEV: the module fuse is missing. */
export function openFuse(): number {
  return ret(c.openat(AT_FDCWD, pathOf(FUSE), O_RDWR | O_CLOEXEC, 0));
}
const FUSE = cstring('/dev/fuse');
