// SPDX-License-Identifier: MIT

import { EINTR, EIO, ENOSYS, EOPNOTSUPP } from '../base/errno.ts';

/** The kernel takes -1 … -511 from a file system; 512 and up are its own (ERESTARTSYS and kin). */
const LARGEST = 511;

/**
 * A server's errno as it may go on to a program: positive and below 512. ENOSYS would switch an operation off for good in the kernel, and EINTR would
 * tell a program of a signal that it never had.
 */
export function cleanErrno(errno: number): number {
  if (errno <= 0 || errno > LARGEST || errno === EINTR) return EIO;
  return errno === ENOSYS ? EOPNOTSUPP : errno;
}
