// SPDX-License-Identifier: MIT
// Which of root's powers work during which request. Between requests, and while something is only looked at, it is one.

import { O_NOATIME, O_TRUNC } from '../base/sys.ts';
import { P, type ProxyName, ROWS } from '../proxyfs/messages.ts';
import type { Request } from '../proxyfs/request.ts';

/** Capability numbers (include/uapi/linux/capability.h). */
const CHOWN = 1 << 0;
const DAC_OVERRIDE = 1 << 1;
const FOWNER = 1 << 3;
const FSETID = 1 << 4;
const SETGID = 1 << 6;
const SETUID = 1 << 7;
const MKNOD = 1 << 27;

/** To find and see what is anybody's. */
export const LOOK = DAC_OVERRIDE;
/** To change what is anybody's as its owner may, and leave set-id bits as they are (truncating a file would clear them). */
const CHANGE = DAC_OVERRIDE | FOWNER | FSETID;
/** To make something, for its user: on the way to the user's identity. */
const MAKE = CHANGE | SETUID | SETGID;
/**
 * While it is made for a user: permissions are the guest's business, as the user's supplementary groups are not told. The two others bring nothing on
 * files; without them there would be no way to the next user.
 */
export const AS_USER = DAC_OVERRIDE | SETGID | SETUID;

const BY_NAME: Readonly<Record<ProxyName, number>> = {
  open: LOOK,
  create: MAKE,
  mknod: MAKE | MKNOD,
  mkdir: MAKE,
  symlink: MAKE,
  link: CHANGE,
  lstat: LOOK,
  readlink: LOOK,
  statfs: LOOK,
  chmod: CHANGE,
  chown: CHANGE | CHOWN,
  truncate: CHANGE,
  utime: CHANGE,
  rename: CHANGE,
  remove: CHANGE,
  lgetxattr: LOOK,
  llistxattr: LOOK,
  lsetxattr: CHANGE,
  lremovexattr: CHANGE,
  getversion: LOOK,
};
const BY_TYPE: number[] = [];
for (const { type, name } of ROWS) BY_TYPE[type] = BY_NAME[name];

/** The capabilities with which this request is served, as bits. Only the owner may open with O_NOATIME (open(2)). */
export function needed(m: Request): number {
  if (m.type === P.open && (m.flags & (O_TRUNC | O_NOATIME)) !== 0) return CHANGE;
  return BY_TYPE[m.type] ?? LOOK;
}
