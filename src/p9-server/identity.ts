// SPDX-License-Identifier: MIT

import type { Sys } from '../base/sys.ts';
import { NONUNAME } from '../p9/constants.ts';
import type { ServerOptions, User } from './options.ts';

const ROOT: User = { uid: 0, gid: 0, groups: [] };
const NOBODY: User = { uid: 65534, gid: 65534, groups: [] };

/**
 * The file-system identity of the loop's thread. Run as root, each request acts as the user of its fid (setfsuid(2) and its kin, which
 * also take the file-system capabilities away from anyone but root); run as a user, everything is that user's and nothing is ever switched.
 */
export class Identity {
  private readonly sys: Sys;
  private readonly options: ServerOptions;
  private readonly privileged: boolean;
  private readonly self: User;
  /** Undefined after a switch that failed: it may have gone half of its way. */
  private current: User | undefined;

  constructor(sys: Sys, options: ServerOptions) {
    this.sys = sys;
    this.options = options;
    this.privileged = sys.geteuid() === 0;
    this.self = this.privileged
      ? ROOT
      : { uid: sys.geteuid(), gid: sys.getegid(), groups: process.getgroups?.() ?? [] };
    this.current = this.self;
  }

  /** Who an attach acts as. */
  userFor(nuname: number, uname: string): User {
    const { squash } = this.options;
    if (!this.privileged) return this.self;
    if (squash !== undefined) return squash;
    if (nuname !== NONUNAME) {
      if (nuname === 0) return ROOT;
      return this.options.lookupUser({ uid: nuname }) ?? { uid: nuname, gid: nuname, groups: [] };
    }
    if (uname === 'root') return ROOT;
    return this.options.lookupUser({ name: uname }) ?? NOBODY;
  }

  /** Acts as `user` from now on. 0 or -errno: the caller must not go on after a failure. */
  become(user: User): number {
    if (user === this.current || !this.privileged) return 0;
    const r = this.sys.setFsIdentity(user.uid, user.gid, user.groups);
    this.current = r < 0 ? undefined : user;
    return Math.min(r, 0);
  }

  /** Runs `f`, which does not throw, with the server's own rights, then goes back. For finding again what was already granted, never for what a client names. */
  asServer<R>(f: () => R): R {
    if (this.current === this.self) return f();
    const before = this.current;
    if (this.become(this.self) < 0) throw new Error('the server cannot take its own identity back');
    const result = f();
    if (before === undefined) this.current = undefined;
    else if (this.become(before) < 0)
      throw new Error('the server cannot take the identity of a request back');
    return result;
  }

  /** True if `user` may give a file that it owns to group `gid`. */
  mayGiveTo(user: User, gid: number): boolean {
    return user.uid === 0 || user.gid === gid || user.groups.includes(gid);
  }
}
