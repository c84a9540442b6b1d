// SPDX-License-Identifier: MIT

import { EPERM } from '../base/errno.ts';
import type { PathSys } from '../base/path-sys.ts';
import { AS_USER } from './capabilities.ts';

/** For whom things are made and with which of root's powers: the file-system identity and the capabilities of the one thread that serves, which no other thread shares. */
export class Identity {
  private readonly sys: PathSys;
  private provedUid = 0;
  private provedGid = 0;
  private uid = 0;
  private gid = 0;
  /** The capabilities that work now, as bits; -1: setfsuid(2) has changed them. */
  private effective = -1;

  constructor(sys: PathSys) {
    this.sys = sys;
  }

  /** From now on with these capabilities, as far as the helper has them at all, and no others. Throws when that cannot be: nothing is to be served then. */
  allow(capabilities: number): void {
    if (capabilities === this.effective) return;
    const r = this.sys.setEffective(capabilities);
    if (r < 0) throw new Error(`capset: errno ${-r}`);
    this.effective = capabilities;
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
      // setfsuid(2) took all capabilities about files, and brings all back that the helper has.
      this.effective = -1;
      const r = sys.setEffective(AS_USER);
      if (r < 0) {
        this.leave();
        return r;
      }
    }
    return 0;
  }

  /** The helper's own again, then call `allow`. Throws when what was before is not what should have been. */
  leave(): void {
    const { sys } = this;
    const uid = this.uid === 0 ? 0 : sys.setFsUid(0);
    const gid = this.gid === 0 ? 0 : sys.setFsGid(0);
    if (uid !== this.uid || gid !== this.gid) throw new Error('the identity of a request was lost');
  }
}
