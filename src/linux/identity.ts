// SPDX-License-Identifier: MIT
// Who the calling thread is for the file system.

import { EINVAL, EPERM } from '../base/errno.ts';
import { c, ret, SYS } from './libc.ts';
import { alloc } from './memory.ts';

const NGROUPS_MAX = 65_536;
let list = alloc(64 * 4);

/**
 * Raw system calls: glibc's setgroups() would change all threads of the process (nptl(7)), and the pool's threads keep their own identity.
 * setfsuid(2) and setfsgid(2) report no error, so the result is asked for. After a failure the identity is whatever was reached: the
 * caller must not go on serving.
 */
export function setFsIdentity(uid: number, gid: number, groups: readonly number[]): number {
  if (groups.length > NGROUPS_MAX) return -EINVAL;
  if (groups.length * 4 > list.size) list = alloc(groups.length * 4);
  for (let i = 0; i < groups.length; i++) list.dv.setUint32(i * 4, groups[i] as number, true);
  // Back to the real effective identity's capabilities first: setfsgid needs CAP_SETGID, which no fsuid change takes away.
  const r = ret(c.syscall(SYS.setgroups, groups.length, list.address, 0, 0, 0));
  if (r < 0) return r;
  c.syscall(SYS.setfsgid, gid, 0, 0, 0, 0);
  c.syscall(SYS.setfsuid, uid, 0, 0, 0, 0);
  // An id of -1 is never valid: the call changes nothing and returns the present one.
  if (c.syscall(SYS.setfsgid, -1, 0, 0, 0, 0) !== gid) return -EPERM;
  if (c.syscall(SYS.setfsuid, -1, 0, 0, 0, 0) !== uid) return -EPERM;
  return 0;
}

export const geteuid = (): number => c.geteuid();
export const getegid = (): number => c.getegid();
export const umask = (mask: number): number => c.umask(mask);
