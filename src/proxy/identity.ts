// SPDX-License-Identifier: MIT

import { EPERM } from '../base/errno.ts';
import type { PathSys } from '../base/path-sys.ts';

/** Capability numbers (include/uapi/linux/capability.h). */
const DAC_OVERRIDE = 1;
const SETGID = 6;
const SETUID = 7;
/**
 * What works while something is made for a user: permissions are the guest's business, as the user's supplementary groups are not told. The two
 * others bring nothing on files; without them there would be no way to the next user.
 */
const AS_USER = (1 << DAC_OVERRIDE) | (1 << SETGID) | (1 << SETUID);

/** For whom things are made: the file-system identity of the one thread that makes them, which no other thread shares. */
export class Identity {
  private readonly sys: PathSys;
  private provedUid = 0;
  private provedGid = 0;
  private uid = 0;
  private gid = 0;

  constructor(sys: PathSys) {
    this.sys = sys;
  }

  /** From now on for this user and group; -1 stands for the helper's own, as in setresuid(2). 0, then call `leave`; or -EPERM. */
  enter(uid: number, gid: number): number {
    const { sys } = this;
    this.uid = uid === -1 ? 0 : uid;
    this.gid = gid === -1 ? 0 : gid;
    if (this.gid !== 0) {
      sys.setFsGid(this.gid);
      // An id that this user namespace does not know changes nothing. What was taken once will be taken again.
      if (this.gid !== this.provedGid) {
        if (sys.setFsGid(-1) !== this.gid) return -EPERM;
        this.provedGid = this.gid;
      }
    }
    if (this.uid !== 0) {
      sys.setFsUid(this.uid);
      if (this.uid !== this.provedUid) {
        if (sys.setFsUid(-1) !== this.uid) {
          sys.setFsGid(0);
          return -EPERM;
        }
        this.provedUid = this.uid;
      }
      // setfsuid(2) took all capabilities about files.
      const r = sys.setEffective(AS_USER);
      if (r < 0) {
        this.leave();
        return r;
      }
    }
    return 0;
  }

  /** The helper's own again; that also brings its capabilities back (capabilities(7)). Throws when what was before is not what should have been. */
  leave(): void {
    const { sys } = this;
    const uid = this.uid === 0 ? 0 : sys.setFsUid(0);
    const gid = this.gid === 0 ? 0 : sys.setFsGid(0);
    if (uid !== this.uid || gid !== this.gid) throw new Error('the identity of a request was lost');
  }
}
