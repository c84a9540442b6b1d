// SPDX-License-Identifier: MIT
// What an object is: status, owner, mode, times, and the kernel's own handle of it. All work on O_PATH descriptors.

import { EINVAL, EOPNOTSUPP, EOVERFLOW } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { STATX_BASIC_STATS, STATX_BTIME, StatBuf } from '../base/stat.ts';
import { AT_FDCWD, HANDLE_OVERLAY, type Off } from '../base/sys.ts';
import { c, interrupted, ret } from './libc.ts';
import { alloc, at, emptyPath, pathOf, procFd, putOff } from './memory.ts';

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_NO_AUTOMOUNT = 0x800;
const AT_EMPTY_PATH = 0x1000;
const STATX_MNT_ID = 0x1000;
const WANTED = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
const STATX_SIZE = 256;
const STATFS_SIZE = 120;
const MAX_HANDLE = 128;

const mine = new StatBuf(alloc(STATX_SIZE));
const times = alloc(32);
/** struct file_handle { u32 handle_bytes; int handle_type; bytes }, then the mount id that the call also returns. */
const handle = alloc(8 + MAX_HANDLE + 4);

export function statat(dirfd: number, path: Mem, out: StatBuf): number {
  const p = at(out.mem, 0, STATX_SIZE);
  let r: number;
  do r = ret(c.statx(dirfd, pathOf(path), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, WANTED, p));
  while (interrupted(r));
  return r;
}

export function stat(fd: number, out: StatBuf): number {
  const p = at(out.mem, 0, STATX_SIZE);
  let r: number;
  do r = ret(c.statx(fd, emptyPath(), AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, WANTED, p));
  while (interrupted(r));
  return r;
}

export function statfs(fd: number, out: Mem): number {
  const p = at(out, 0, STATFS_SIZE);
  let r: number;
  do r = ret(c.fstatfs(fd, p));
  while (interrupted(r));
  return r;
}

/** Kernels before 6.6 change the mode of some symlinks when asked this way, so it is looked at first. */
export function chmodFd(fd: number, mode: number): number {
  const known = stat(fd, mine);
  if (known < 0) return known;
  if (mine.isSymlink) return -EOPNOTSUPP;
  const path = procFd(fd);
  let r: number;
  do r = ret(c.chmod(path, mode));
  while (interrupted(r));
  return r;
}

export function chownFd(fd: number, uid: number, gid: number): number {
  let r: number;
  do r = ret(c.fchownat(fd, emptyPath(), uid >>> 0, gid >>> 0, AT_EMPTY_PATH));
  while (interrupted(r));
  return r;
}

export function utimensFd(fd: number, aSec: Off, aNsec: number, mSec: Off, mNsec: number): number {
  putOff(times, 0, aSec);
  putOff(times, 8, aNsec);
  putOff(times, 16, mSec);
  putOff(times, 24, mNsec);
  let r: number;
  do r = ret(c.utimensat(fd, emptyPath(), times.address, AT_EMPTY_PATH));
  while (interrupted(r));
  if (r !== -EINVAL) return r;
  // AT_EMPTY_PATH came with Linux 5.8; before that, through the magic link.
  const path = procFd(fd);
  do r = ret(c.utimensat(AT_FDCWD, path, times.address, 0));
  while (interrupted(r));
  return r;
}

/** Linux 6.5: a handle that says which object it is, and cannot be opened. */
const AT_HANDLE_FID = 0x200;

function handleOf(fd: number, flags: number): number {
  handle.dv.setUint32(0, MAX_HANDLE, true);
  let r: number;
  do r = ret(c.name_to_handle_at(fd, emptyPath(), handle.address, handle.address + 8 + MAX_HANDLE, flags));
  while (interrupted(r));
  return r;
}

export function fileHandle(fd: number, mem: Mem): number {
  const { dv } = handle;
  let r = handleOf(fd, AT_EMPTY_PATH);
  if (r === -EOPNOTSUPP) {
    r = handleOf(fd, AT_EMPTY_PATH | AT_HANDLE_FID);
    // Of other file systems without handles it is the inode number in another guise (6.7), which says less than it seems to; older kernels do not know the flag.
    if (r === -EINVAL || (r >= 0 && dv.getUint32(4, true) !== HANDLE_OVERLAY)) return -EOPNOTSUPP;
  }
  if (r < 0) return r;
  const length = 4 + dv.getUint32(0, true);
  if (length > mem.size) return -EOVERFLOW;
  for (let i = 0; i < length; i++) mem.u8[i] = handle.u8[4 + i] as number;
  return length;
}
