// SPDX-License-Identifier: MIT

import { c, ret, SYS } from './libc.ts';
import { alloc, putOff } from './memory.ts';
/**
 * Landlock (landlock(7), include/uapi/linux/landlock.h): a process takes rights away from itself. It binds the calling thread and what that
 * thread executes, not the other threads that Node has; so a process restricts itself and then calls execve().
 *
 * What it does not cover, on any kernel so far: stat, chmod, chown, utimes, xattrs, and seeing other processes.
 */
import { setNoNewPrivileges } from './process.ts';

const FS = {
  EXECUTE: 1 << 0,
  WRITE_FILE: 1 << 1,
  READ_FILE: 1 << 2,
  READ_DIR: 1 << 3,
  REFER: 1 << 13,
  TRUNCATE: 1 << 14,
  IOCTL_DEV: 1 << 15,
} as const;
/** Of each version of the interface: every right about files that it handles. 2: REFER, 3: TRUNCATE, 5: IOCTL_DEV. */
const ALL_FS = [0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff] as const;
/** Rights that a rule about a single file may hold. */
const FILE_RIGHTS = FS.EXECUTE | FS.WRITE_FILE | FS.READ_FILE | FS.TRUNCATE | FS.IOCTL_DEV;
const NET_SINCE = 4;
const SCOPE_SINCE = 6;
/** bind and connect of TCP. */
const ALL_NET = 0b11;
/** Abstract Unix sockets of, and signals to, processes outside. */
const ALL_SCOPE = 0b11;

const CREATE_VERSION = 1;
const RULE_PATH_BENEATH = 1;

/**
 * What may be done below a path: look and read; also execute (programs, shared libraries); everything (change, make, remove, rename).
 * Devices can be made and their ioctls called with `all` only.
 */
export type LandlockAccess = 'read' | 'execute' | 'all';

export interface LandlockRule {
  /** An open descriptor (O_PATH will do) of a folder, or of one file. */
  readonly fd: number;
  readonly access: LandlockAccess;
}

/** The version of the interface that this kernel has: 1 and up, 0 = none (not built in, or not enabled at boot). */
export function landlockVersion(): number {
  return Math.max(0, ret(c.syscall(SYS.landlock_create_ruleset, 0, 0, CREATE_VERSION, 0, 0)));
}

const attr = alloc(24);
const rule = alloc(16);

/**
 * From now on the calling thread, and whatever it executes, reaches only what the rules name; TCP is denied where the version can
 * (4 and up), signals to the outside too (6 and up). Sets no_new_privs. `isFile` says whether a rule's descriptor is a single file.
 * Returns 0 or -errno; -EOPNOTSUPP or -ENOSYS: no Landlock.
 */
export function landlockRestrict(rules: readonly LandlockRule[], isFile: (fd: number) => boolean): number {
  const version = landlockVersion();
  if (version === 0) return -95;
  const handled = ALL_FS[Math.min(version, ALL_FS.length - 1)] ?? 0;
  putOff(attr, 0, handled);
  putOff(attr, 8, version >= NET_SINCE ? ALL_NET : 0);
  putOff(attr, 16, version >= SCOPE_SINCE ? ALL_SCOPE : 0);
  // A kernel refuses a structure that is longer than it knows unless the rest is zero; it is.
  const size = version >= SCOPE_SINCE ? 24 : version >= NET_SINCE ? 16 : 8;
  const ruleset = ret(c.syscall(SYS.landlock_create_ruleset, attr.address, size, 0, 0, 0));
  if (ruleset < 0) return ruleset;
  let r = 0;
  for (const { fd, access } of rules) {
    const wanted = rights(access) & handled & (isFile(fd) ? FILE_RIGHTS : ~0);
    putOff(rule, 0, wanted);
    rule.dv.setInt32(8, fd, true);
    r = ret(c.syscall(SYS.landlock_add_rule, ruleset, RULE_PATH_BENEATH, rule.address, 0, 0));
    if (r < 0) break;
  }
  if (r === 0) r = setNoNewPrivileges();
  if (r === 0) r = ret(c.syscall(SYS.landlock_restrict_self, ruleset, 0, 0, 0, 0));
  c.close(ruleset);
  return r;
}

function rights(access: LandlockAccess): number {
  switch (access) {
    case 'read':
      return FS.READ_FILE | FS.READ_DIR;
    case 'execute':
      return FS.READ_FILE | FS.READ_DIR | FS.EXECUTE;
    case 'all':
      return ~FS.EXECUTE & 0xffff;
  }
}
