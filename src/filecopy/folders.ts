// SPDX-License-Identifier: MIT

import { EEXIST, ELOOP, ENOTDIR } from '../base/errno.ts';
import { StatBuf } from '../base/stat.ts';
import { O_DIRECTORY, O_NOFOLLOW, O_PATH, type Sys } from '../base/sys.ts';
import { type Header, MAX_PATH_LENGTH } from '../qfile/index.ts';
import type { Places } from './places.ts';

const SLASH = 0x2f;
/** So many of the folders that a transfer has made are known again when they come out of order. */
const MADE_MAX = 1 << 16;

/**
 * Folders come twice: first they are made, open to us alone, and the second time, with all that is in them, they get their mode and times. One that was
 * there before is merged into, and keeps its own until the second time. A sender that comes out of order, or a third time, is followed as the
 * original follows it: what this transfer has made gets the mode and times of every later header.
 */
export class Folders {
  private readonly sys: Sys;
  private readonly places: Places;
  private readonly modeMask: number;
  /** The folder whose first time was last, and with it all above it: only these can come a second time. */
  private readonly open = new Uint8Array(MAX_PATH_LENGTH);
  private openLength = 0;
  /** Inodes. One that was removed and reused meanwhile gets its mode early, as every folder of the original does. */
  private readonly made = new Set<number>();
  private readonly stat: StatBuf;

  constructor(sys: Sys, places: Places, modeMask: number) {
    this.sys = sys;
    this.places = places;
    this.modeMask = modeMask;
    this.stat = new StatBuf(sys.alloc(256));
  }

  /** The folder that `places` holds. 0 or a positive errno. */
  item(header: Header): number {
    const { places } = this;
    const parent = places.openParent();
    if (parent < 0) return -parent;
    const r = this.below(parent, header);
    places.closeParent(parent);
    return r;
  }

  private below(parent: number, header: Header): number {
    const { sys, places } = this;
    if (this.isOpen()) {
      const r = this.finish(parent, header);
      // What is open now is the folder above.
      if (r === 0) this.openLength = Math.max(0, places.copy().lastIndexOf(SLASH));
      return r;
    }
    const made = sys.mkdirat(parent, places.leaf, 0o700);
    if (made < 0 && made !== -EEXIST) return -made;
    const inode =
      sys.statat(parent, places.leaf, this.stat) === 0 ? this.stat.inoHi * 2 ** 32 + this.stat.inoLo : 0;
    if (made === -EEXIST && this.made.has(inode)) return this.finish(parent, header);
    if (made === 0 && this.made.size < MADE_MAX) this.made.add(inode);
    if (made === -EEXIST) {
      const fd = this.openLeaf(parent);
      if (fd < 0) return -fd;
      sys.close(fd);
    }
    const name = places.copy();
    this.open.set(name);
    this.openLength = name.length;
    return 0;
  }

  private finish(parent: number, header: Header): number {
    const { sys } = this;
    const fd = this.openLeaf(parent);
    if (fd < 0) return -fd;
    let r = sys.chmodFd(fd, header.mode & this.modeMask);
    if (r === 0) r = sys.utimensFd(fd, header.atime, header.atimeNsec, header.mtime, header.mtimeNsec);
    sys.close(fd);
    return -r;
  }

  private openLeaf(parent: number): number {
    const fd = this.sys.openat(parent, this.places.leaf, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    return fd === -ELOOP ? -ENOTDIR : fd;
  }

  /** Whether the folder has had its first time: it is the open one, or one above it. */
  private isOpen(): boolean {
    const name = this.places.copy();
    if (name.length > this.openLength) return false;
    for (let i = 0; i < name.length; i++) if (name[i] !== this.open[i]) return false;
    return name.length === this.openLength || this.open[name.length] === SLASH;
  }
}
