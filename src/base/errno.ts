// SPDX-License-Identifier: MIT

/**
 * Linux error numbers, asm-generic layout (include/uapi/asm-generic/errno{-base,}.h). This layout is
 * what 9P2000.L carries on the wire (Rlerror) and what /dev/fuse expects; x86, arm and riscv share it.
 *
 * Inside the data plane a failure is the negative of one of these, returned as a plain integer.
 */
export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const E2BIG = 7;
export const EBADF = 9;
export const ECHILD = 10;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const EXDEV = 18;
export const ENODEV = 19;
export const ENOTDIR = 20;
export const EISDIR = 21;
export const EINVAL = 22;
export const ENFILE = 23;
export const EMFILE = 24;
export const ENOTTY = 25;
export const ETXTBSY = 26;
export const EFBIG = 27;
export const ENOSPC = 28;
export const ESPIPE = 29;
export const EROFS = 30;
export const EMLINK = 31;
export const EPIPE = 32;
export const ERANGE = 34;
export const EDEADLK = 35;
export const ENAMETOOLONG = 36;
export const ENOLCK = 37;
export const ENOSYS = 38;
export const ENOTEMPTY = 39;
export const ELOOP = 40;
export const ENODATA = 61;
export const ENOLINK = 67;
export const EPROTO = 71;
export const EOVERFLOW = 75;
export const EILSEQ = 84;
export const ENOTSOCK = 88;
export const EMSGSIZE = 90;
export const EOPNOTSUPP = 95;
export const EADDRINUSE = 98;
export const ECONNABORTED = 103;
export const ECONNRESET = 104;
export const ENOBUFS = 105;
export const ENOTCONN = 107;
export const ETIMEDOUT = 110;
export const ECONNREFUSED = 111;
export const EHOSTUNREACH = 113;
export const EINPROGRESS = 115;
export const ESTALE = 116;
export const EREMOTEIO = 121;
export const EDQUOT = 122;
export const ECANCELED = 125;

/** Errno → [symbol, words]. The one place that turns a number into words for people. */
const TABLE: ReadonlyMap<number, readonly [string, string]> = new Map([
  [EPERM, ['EPERM', 'not permitted']],
  [ENOENT, ['ENOENT', 'no such file or folder']],
  [ESRCH, ['ESRCH', 'no such process']],
  [EINTR, ['EINTR', 'interrupted']],
  [EIO, ['EIO', 'input/output error']],
  [ENXIO, ['ENXIO', 'not a regular file or folder']],
  [E2BIG, ['E2BIG', 'too large']],
  [EBADF, ['EBADF', 'not an open file descriptor']],
  [ECHILD, ['ECHILD', 'no such child process']],
  [EAGAIN, ['EAGAIN', 'not available just now']],
  [ENOMEM, ['ENOMEM', 'out of memory']],
  [EACCES, ['EACCES', 'permission denied']],
  [EBUSY, ['EBUSY', 'in use']],
  [EEXIST, ['EEXIST', 'already exists']],
  [EXDEV, ['EXDEV', 'on another file system or share']],
  [ENODEV, ['ENODEV', 'no such device']],
  [ENOTDIR, ['ENOTDIR', 'not a folder']],
  [EISDIR, ['EISDIR', 'is a folder']],
  [EINVAL, ['EINVAL', 'invalid argument']],
  [ENFILE, ['ENFILE', 'too many open files on this machine']],
  [EMFILE, ['EMFILE', 'too many open files']],
  [ENOTTY, ['ENOTTY', 'not possible on this object']],
  [ETXTBSY, ['ETXTBSY', 'program is being run']],
  [EFBIG, ['EFBIG', 'file too large']],
  [ENOSPC, ['ENOSPC', 'no space left']],
  [ESPIPE, ['ESPIPE', 'cannot seek']],
  [EROFS, ['EROFS', 'read-only']],
  [EMLINK, ['EMLINK', 'too many links']],
  [EPIPE, ['EPIPE', 'the other end closed']],
  [ERANGE, ['ERANGE', 'result does not fit']],
  [EDEADLK, ['EDEADLK', 'would deadlock']],
  [ENAMETOOLONG, ['ENAMETOOLONG', 'name too long']],
  [ENOLCK, ['ENOLCK', 'no locks available']],
  [ENOSYS, ['ENOSYS', 'not supported by this kernel']],
  [ENOTEMPTY, ['ENOTEMPTY', 'folder not empty']],
  [ELOOP, ['ELOOP', 'symbolic link not followed']],
  [ENODATA, ['ENODATA', 'no such attribute']],
  [ENOLINK, ['ENOLINK', 'the link would lead outside']],
  [EPROTO, ['EPROTO', 'protocol error']],
  [EOVERFLOW, ['EOVERFLOW', 'value too large']],
  [EILSEQ, ['EILSEQ', 'forbidden character or form of a name']],
  [ENOTSOCK, ['ENOTSOCK', 'not a socket']],
  [EMSGSIZE, ['EMSGSIZE', 'message too long']],
  [EOPNOTSUPP, ['EOPNOTSUPP', 'not supported']],
  [EADDRINUSE, ['EADDRINUSE', 'address already in use']],
  [ECONNABORTED, ['ECONNABORTED', 'connection aborted']],
  [ECONNRESET, ['ECONNRESET', 'connection reset by the other end']],
  [ENOBUFS, ['ENOBUFS', 'no buffer space']],
  [ENOTCONN, ['ENOTCONN', 'not connected']],
  [ETIMEDOUT, ['ETIMEDOUT', 'timed out']],
  [ECONNREFUSED, ['ECONNREFUSED', 'connection refused']],
  [EHOSTUNREACH, ['EHOSTUNREACH', 'host not reachable']],
  [EINPROGRESS, ['EINPROGRESS', 'in progress']],
  [ESTALE, ['ESTALE', 'the file was replaced or removed']],
  [EREMOTEIO, ['EREMOTEIO', 'remote input/output error']],
  [EDQUOT, ['EDQUOT', 'quota exceeded']],
  [ECANCELED, ['ECANCELED', 'cancelled']],
]);

/** `'ENOENT'` for 2 or -2; `'E<n>'` for a number that has no row. */
export function errnoName(errno: number): string {
  const n = Math.abs(errno);
  return TABLE.get(n)?.[0] ?? `E${n}`;
}

/** `'no such file or folder'` for 2 or -2; names the number when it has no row. */
export function errnoWords(errno: number): string {
  const n = Math.abs(errno);
  return TABLE.get(n)?.[1] ?? `error ${n}`;
}
