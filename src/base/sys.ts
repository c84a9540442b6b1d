// SPDX-License-Identifier: MIT

import type { Mem } from './mem.ts';
import type { StatBuf } from './stat.ts';

/** A 64-bit file offset or size: a number as long as it is exact (≤ 2^53 − 1), a bigint beyond. */
export type Off = number | bigint;

/**
 * The system calls that the engines are written against. `linux/` has the real one; tests wrap it to inject faults.
 *
 * Conventions, all methods:
 * - The result is ≥ 0, or the negative errno. Nothing throws, but for a length that lies outside its `Mem` (RangeError: our own bug).
 * - `path` is a `Mem` that holds a NUL-terminated string at offset 0; it is read during the call only.
 * - `fd` arguments are plain descriptors; whoever opened one closes it.
 * - Descriptors that a call makes are close-on-exec.
 * - EINTR is returned, not retried, by `poll`; every other call retries it.
 * Names and semantics are those of section 2 of the Linux manual; a comment stands only where ours differ.
 */
export interface Sys {
  /** A zero-filled block, alive as long as the object is referenced. */
  alloc(size: number): Mem;

  close(fd: number): number;
  openat(dirfd: number, path: Mem, flags: number, mode: number): number;
  /** openat2(2) with `resolve` = RESOLVE_* bits. -ENOSYS before Linux 5.6. */
  openat2(dirfd: number, path: Mem, flags: number, mode: number, resolve: number): number;
  /** Reopens an O_PATH descriptor with real access, through /proc/self/fd: the object, not its name. */
  reopen(fd: number, flags: number): number;
  /** `fcntl(F_DUPFD_CLOEXEC)`. */
  dup(fd: number): number;

  /** statx(2) of `path` below `dirfd`, never following a symlink at the end. */
  statat(dirfd: number, path: Mem, out: StatBuf): number;
  /** statx(2) of the descriptor itself, O_PATH too. */
  stat(fd: number, out: StatBuf): number;
  /** fstatfs(2): fills `out` (at least 120 bytes) with the kernel's `struct statfs`. */
  statfs(fd: number, out: Mem): number;

  read(fd: number, mem: Mem, off: number, len: number): number;
  write(fd: number, mem: Mem, off: number, len: number): number;
  /** writev(2) of two runs; either length may be 0. */
  write2(fd: number, memA: Mem, offA: number, lenA: number, memB: Mem, offB: number, lenB: number): number;
  pread(fd: number, mem: Mem, off: number, len: number, pos: Off): number;
  pwrite(fd: number, mem: Mem, off: number, len: number, pos: Off): number;
  /** preadv2(RWF_NOWAIT): -EAGAIN when the data is not in memory, -EOPNOTSUPP where the file system cannot tell. */
  preadNowait(fd: number, mem: Mem, off: number, len: number, pos: Off): number;
  /** Whether all of `[pos, pos + len)` is in the page cache, read or about to be: 1 or 0. cachestat(2), Linux 6.5; -EPERM to one who neither owns nor may write the file. */
  cached(fd: number, pos: Off, len: number): number;
  /** send(2) with MSG_DONTWAIT|MSG_NOSIGNAL; -ENOTSOCK (88) for what is no socket. */
  send(fd: number, mem: Mem, off: number, len: number): number;
  /** recv(2) with MSG_DONTWAIT. */
  recv(fd: number, mem: Mem, off: number, len: number): number;
  /** sendfile(2) from `pos` of a file; returns bytes sent. */
  sendfile(outFd: number, inFd: number, pos: Off, len: number): number;
  lseek(fd: number, pos: Off, whence: number): Off;

  /** Raw getdents64(2) into `mem`; 0 at the end. */
  getdents(fd: number, mem: Mem, off: number, len: number): number;

  mkdirat(dirfd: number, path: Mem, mode: number): number;
  /** `major`/`minor` matter for devices only. */
  mknodat(dirfd: number, path: Mem, mode: number, major: number, minor: number): number;
  /** `target` is stored as it is. */
  symlinkat(target: Mem, dirfd: number, path: Mem): number;
  /** Hard link to the object behind `fd` (O_PATH works), through /proc/self/fd. */
  linkFd(fd: number, dirfd: number, path: Mem): number;
  unlinkat(dirfd: number, path: Mem, flags: number): number;
  /** renameat2(2). */
  renameat(oldDir: number, oldPath: Mem, newDir: number, newPath: Mem, flags: number): number;
  /** readlinkat(fd, "") of an O_PATH descriptor of a symlink. */
  readlinkFd(fd: number, mem: Mem, off: number, len: number): number;
  /** The present absolute path of an open descriptor (readlink of /proc/self/fd/N), without a NUL. */
  fdPath(fd: number, mem: Mem): number;

  /** chmod through /proc/self/fd: works on O_PATH, refuses a symlink (-EOPNOTSUPP). */
  chmodFd(fd: number, mode: number): number;
  /** fchownat(AT_EMPTY_PATH): works on O_PATH and on symlinks. -1 leaves an id. */
  chownFd(fd: number, uid: number, gid: number): number;
  /**
   * utimensat on the object behind `fd` (O_PATH and symlinks too). Seconds are Off; nsec may be UTIME_NOW / UTIME_OMIT.
   */
  utimensFd(fd: number, aSec: Off, aNsec: number, mSec: Off, mNsec: number): number;
  ftruncate(fd: number, size: Off): number;
  fallocate(fd: number, mode: number, pos: Off, len: Off): number;
  copyFileRange(inFd: number, inPos: Off, outFd: number, outPos: Off, len: number): number;
  fsync(fd: number): number;
  fdatasync(fd: number): number;
  /** Everything of the file system that `fd` lies on (not an O_PATH descriptor: -EBADF). Since Linux 5.8 it reports errors of the writing. */
  syncfs(fd: number): number;
  /** Begins to write a part of a file to the disk and does not wait: sync_file_range(SYNC_FILE_RANGE_WRITE). No promise of any kind. */
  startWriteback(fd: number, pos: Off, len: Off): number;
  /**
   * Begins `syncfs` on another thread and does not wait, nor tell. No promise of any kind, but that an error is reported to the open file description behind
   * `fd`: one of its own, or a later `syncfs` of the same description would not hear of it. While more than 100 are under way it does nothing.
   */
  startSyncfs(fd: number): void;

  /** Extended attributes of the object behind `fd`, O_PATH too (through /proc/self/fd). `name` is NUL-terminated. */
  getxattr(fd: number, name: Mem, value: Mem, off: number, len: number): number;
  setxattr(fd: number, name: Mem, value: Mem, off: number, len: number, flags: number): number;
  listxattr(fd: number, list: Mem, off: number, len: number): number;
  removexattr(fd: number, name: Mem): number;

  /** fcntl(F_OFD_SETLK). `type` F_RDLCK 0, F_WRLCK 1, F_UNLCK 2; `len` 0 = to the end. Never blocks: -EAGAIN. */
  ofdSetLock(fd: number, type: number, start: Off, len: Off): number;
  /** fcntl(F_OFD_GETLK): fills `out` or returns -errno. `out.type` is F_UNLCK when nothing is in the way. */
  ofdGetLock(fd: number, type: number, start: Off, len: Off, out: LockInfo): number;

  /**
   * name_to_handle_at(fd, ""): the kernel's own identity of an object (inode and generation) into `mem`; returns its length in bytes
   * (handle_type and the opaque bytes), -EOPNOTSUPP where the file system has none.
   */
  fileHandle(fd: number, mem: Mem): number;

  /** inotify_init1(2), non-blocking; its events are taken with `read`. */
  watchOpen(): number;
  /** inotify_add_watch(2) on the object behind `dirFd` (O_PATH works), through /proc/self/fd; a watch number, the same for the same object. Needs the right to read it. */
  watchAdd(fd: number, dirFd: number, mask: number): number;
  watchRemove(fd: number, watch: number): number;

  /** poll(2) over `count` `struct pollfd` at the start of `fds`; timeout in ms, -1 = none. */
  poll(fds: Mem, count: number, timeoutMs: number): number;
  /** A descriptor that is readable when Node's event loop has work; poll it beside your own, then yield. */
  eventLoopFd(): number;
  /** Milliseconds until the event loop's next timer, -1 = none. */
  eventLoopTimeout(): number;

  /**
   * Gives the calling thread the file-system identity (setfsuid, setfsgid, setgroups, all per thread). Only as root.
   * `groups`: supplementary groups, at most 65,536.
   */
  setFsIdentity(uid: number, gid: number, groups: readonly number[]): number;
  geteuid(): number;
  getegid(): number;
  umask(mask: number): number;

  /** The same call on another thread of the pool, for what may block long. The buffers must stay alive and untouched till then. */
  readonly slow: SlowSys;
}

/** What may take long, off the loop's thread. Each resolves to the result of the call (≥ 0 or -errno); none rejects. */
export interface SlowSys {
  pread(fd: number, mem: Mem, off: number, len: number, pos: Off, done: (result: number) => void): void;
  fsync(fd: number, done: (result: number) => void): void;
  fdatasync(fd: number, done: (result: number) => void): void;
}

/** `struct flock` for `ofdGetLock`. */
export interface LockInfo {
  type: number;
  start: Off;
  len: Off;
  /** -1 for an open-file-description lock. */
  pid: number;
}

/** open(2) flags, x86 and generic numbering (include/uapi/asm-generic/fcntl.h); `linux/` refuses to load on another layout. */
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_ACCMODE = 3;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DSYNC = 0o10000;
export const O_DIRECT = 0o40000;
export const O_LARGEFILE = 0o100000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_NOATIME = 0o1000000;
export const O_CLOEXEC = 0o2000000;
export const O_SYNC = 0o4010000;
export const O_PATH = 0o10000000;
export const O_TMPFILE = 0o20200000;

export const AT_FDCWD = -100;
export const AT_REMOVEDIR = 0x200;

/** The handle_type of overlayfs (fs/overlayfs/overlayfs.h): the object's on the layer where it began, and the same after it was copied up. */
export const HANDLE_OVERLAY = 0xf8;

export const RESOLVE_NO_XDEV = 0x01;
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_BENEATH = 0x08;
export const RESOLVE_IN_ROOT = 0x10;

export const UTIME_NOW = 0x3fffffff;
export const UTIME_OMIT = 0x3ffffffe;

export const F_RDLCK = 0;
export const F_WRLCK = 1;
export const F_UNLCK = 2;

/** inotify(7), include/uapi/linux/inotify.h. */
export const IN_MODIFY = 0x2;
export const IN_ATTRIB = 0x4;
export const IN_MOVED_FROM = 0x40;
export const IN_MOVED_TO = 0x80;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_DELETE_SELF = 0x400;
export const IN_MOVE_SELF = 0x800;
export const IN_UNMOUNT = 0x2000;
export const IN_Q_OVERFLOW = 0x4000;
export const IN_IGNORED = 0x8000;
export const IN_ONLYDIR = 0x1000000;

export const POLLIN = 0x1;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;
