// SPDX-License-Identifier: MIT

import { getSystemErrorMap } from 'node:util';
import * as E from '../../base/errno.ts';

/**
 * The C library's words for the errors that a start can meet, as the original prints them (strerror(3)); for others our own. Callers that read
 * its log look for these.
 */
const WORDS: ReadonlyMap<number, string> = new Map([
  [E.EPERM, 'Operation not permitted'],
  [E.ENOENT, 'No such file or directory'],
  [E.EIO, 'Input/output error'],
  [E.EBADF, 'Bad file descriptor'],
  [E.EACCES, 'Permission denied'],
  [E.ENOTDIR, 'Not a directory'],
  [E.EINVAL, 'Invalid argument'],
  [E.EMFILE, 'Too many open files'],
  [E.ENFILE, 'Too many open files in system'],
  [E.EROFS, 'Read-only file system'],
  [E.ENAMETOOLONG, 'File name too long'],
  [E.ELOOP, 'Too many levels of symbolic links'],
  [E.EADDRINUSE, 'Address already in use'],
  [E.ESTALE, 'Stale file handle'],
]);

/** For errno or -errno. */
export function strerror(errno: number): string {
  const n = Math.abs(errno);
  return WORDS.get(n) ?? getSystemErrorMap().get(-n)?.[1] ?? E.errnoWords(n);
}
