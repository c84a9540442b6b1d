// SPDX-License-Identifier: MIT
// Calls that take a name below an open directory.

import { ENOENT } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { encodeDev } from '../base/stat.ts';
import { AT_FDCWD, O_CLOEXEC, O_NOFOLLOW } from '../base/sys.ts';
import { openFlags } from './arch.ts';
import { c, interrupted, ret, SYS } from './libc.ts';
import { alloc, at, emptyPath, pathOf, procFd, putOff } from './memory.ts';

const AT_SYMLINK_FOLLOW = 0x400;
const AT_EMPTY_PATH = 0x1000;
/** struct open_how: flags, mode, resolve, 64 bits each (include/uapi/linux/openat2.h). */
const HOW_SIZE = 24;
const how = alloc(HOW_SIZE);

export function openat(dirfd: number, path: Mem, flags: number, mode: number): number {
  let r: number;
  do r = ret(c.openat(dirfd, pathOf(path), openFlags(flags) | O_CLOEXEC, mode));
  while (interrupted(r));
  return r;
}

export function openat2(dirfd: number, path: Mem, flags: number, mode: number, resolve: number): number {
  putOff(how, 0, openFlags(flags) | O_CLOEXEC);
  putOff(how, 8, mode);
  putOff(how, 16, resolve);
  let r: number;
  do r = ret(c.syscall(SYS.openat2, dirfd, pathOf(path), how.address, HOW_SIZE, 0));
  while (interrupted(r));
  return r;
}

export function reopen(fd: number, flags: number): number {
  // O_NOFOLLOW would refuse the magic link itself.
  const wanted = (openFlags(flags) & ~openFlags(O_NOFOLLOW)) | O_CLOEXEC;
  let r: number;
  do r = ret(c.openat(AT_FDCWD, procFd(fd), wanted, 0));
  while (interrupted(r));
  return r;
}

export function mkdirat(dirfd: number, path: Mem, mode: number): number {
  let r: number;
  do r = ret(c.mkdirat(dirfd, pathOf(path), mode));
  while (interrupted(r));
  return r;
}

export function mknodat(dirfd: number, path: Mem, mode: number, major: number, minor: number): number {
  const dev = encodeDev(major, minor);
  let r: number;
  do r = ret(c.mknodat(dirfd, pathOf(path), mode, dev));
  while (interrupted(r));
  return r;
}

export function symlinkat(target: Mem, dirfd: number, path: Mem): number {
  let r: number;
  do r = ret(c.symlinkat(pathOf(target), dirfd, pathOf(path)));
  while (interrupted(r));
  return r;
}

/** Cleared by the first descriptor that only its magic link can name: older kernels ask for CAP_DAC_READ_SEARCH. */
let emptyLinks = true;

/**
 * Since Linux 6.10 whoever opened the descriptor may name it by AT_EMPTY_PATH, with the same credentials (fs/namei.c, LOOKUP_LINKAT_EMPTY); that
 * spares a look-up in /proc, a quarter of the call (perf, 20,000 nameless files on ext4). Everywhere else: the magic link.
 */
export function linkFd(fd: number, dirfd: number, path: Mem): number {
  let r: number;
  if (emptyLinks) {
    do r = ret(c.linkat(fd, emptyPath(), dirfd, pathOf(path), AT_EMPTY_PATH));
    while (interrupted(r));
    if (r !== -ENOENT) return r;
  }
  const from = procFd(fd);
  do r = ret(c.linkat(AT_FDCWD, from, dirfd, pathOf(path), AT_SYMLINK_FOLLOW));
  while (interrupted(r));
  if (r === 0) emptyLinks = false;
  return r;
}

export function unlinkat(dirfd: number, path: Mem, flags: number): number {
  let r: number;
  do r = ret(c.unlinkat(dirfd, pathOf(path), flags));
  while (interrupted(r));
  return r;
}

export function renameat(oldDir: number, oldPath: Mem, newDir: number, newPath: Mem, flags: number): number {
  let r: number;
  do r = ret(c.renameat2(oldDir, pathOf(oldPath), newDir, pathOf(newPath), flags));
  while (interrupted(r));
  return r;
}

export function readlinkFd(fd: number, mem: Mem, off: number, len: number): number {
  const p = at(mem, off, len);
  let r: number;
  do r = ret(c.readlinkat(fd, emptyPath(), p, len));
  while (interrupted(r));
  return r;
}

export function fdPath(fd: number, mem: Mem): number {
  const link = procFd(fd);
  let r: number;
  do r = ret(c.readlinkat(AT_FDCWD, link, at(mem, 0, mem.size), mem.size));
  while (interrupted(r));
  return r;
}
