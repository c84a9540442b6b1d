// SPDX-License-Identifier: MIT

import { O_TRUNC } from '../base/sys.ts';

/**
 * open(2) flags that mean something to the server: access mode, TRUNC, APPEND, DSYNC, SYNC, NOATIME. O_DIRECT is between the program and the
 * local kernel; O_CREAT and O_EXCL were settled by CREATE; the kernel's own bits (exec, O_PATH …) are none of the server's business.
 */
const SENT = 0o3 | O_TRUNC | 0o2000 | 0o4010000 | 0o1000000;

/** The flags of Tlopen and Tlcreate for the kernel's flags. */
export function sentFlags(flags: number): number {
  return flags & SENT;
}
