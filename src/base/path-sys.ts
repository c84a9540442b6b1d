// SPDX-License-Identifier: MIT

import type { Mem } from './mem.ts';
import type { Off, Sys } from './sys.ts';

/**
 * Calls that name an object by an open folder and a path below it, for an engine that is told paths. Conventions as in `Sys`. None follows a
 * symbolic link at the end of the path unless a comment says so; those on the way are the caller's business.
 */
export interface PathSys extends Sys {
  readlinkat(dirfd: number, path: Mem, mem: Mem, off: number, len: number): number;
  /** -1 leaves an id. */
  chownat(dirfd: number, path: Mem, uid: number, gid: number): number;
  utimensat(dirfd: number, path: Mem, aSec: Off, aNsec: Off, mSec: Off, mNsec: Off): number;
  linkat(oldDir: number, oldPath: Mem, newDir: number, newPath: Mem): number;
  /** Follows a symlink at the end, where its mount lets anything follow one. */
  chmodat(dirfd: number, path: Mem, mode: number): number;
  /** `fileHandle` without opening anything. */
  handleAt(dirfd: number, path: Mem, mem: Mem): number;

  /** Relative paths of the calls below up to `lremovexattr` start at the working folder. */
  fchdir(fd: number): number;
  /** Follows a symlink at the end, where its mount lets anything follow one. Never opens what is no regular file. */
  truncate(path: Mem, size: Off): number;
  /** Follows a symlink at the end, as `truncate`. Fills `out` as `statfs` does. */
  statfsName(path: Mem, out: Mem): number;
  lgetxattr(path: Mem, name: Mem, value: Mem, off: number, len: number): number;
  lsetxattr(path: Mem, name: Mem, value: Mem, off: number, len: number, flags: number): number;
  llistxattr(path: Mem, list: Mem, off: number, len: number): number;
  lremovexattr(path: Mem, name: Mem): number;

  /** `reopen` through an open folder /proc/self/fd, so that it works where there is no /proc, and sooner. */
  reopenVia(procFd: number, fd: number, flags: number): number;
  /** recv(2) and send(2) that wait as long as the socket does; no SIGPIPE. A tenth less for both than read(2) and write(2) take, which go through more layers. */
  recvWaiting(socket: number, mem: Mem, off: number, len: number): number;
  sendWaiting(socket: number, mem: Mem, off: number, len: number): number;
  /** sendmsg(2) of `len` bytes with one descriptor (SCM_RIGHTS), without SIGPIPE; blocks as long as the socket does. */
  sendWithFd(socket: number, fd: number, mem: Mem, off: number, len: number): number;

  /** `chmodat` of the object behind `fd`, in the same way. */
  chmodVia(procFd: number, fd: number, mode: number): number;
  /** setfsuid(2) or setfsgid(2) of this thread: returns the id until now and tells no failure. With -1 it changes nothing. */
  setFsUid(uid: number): number;
  setFsGid(gid: number): number;
  /** Of this thread: which of its permitted capabilities work now. Bit n is capability n. */
  setEffective(mask: number): number;
}
