// SPDX-License-Identifier: MIT

import { S_IFDIR, S_IFLNK, S_IFMT, type StatBuf } from '../base/stat.ts';
import { QTDIR, QTFILE, QTSYMLINK } from '../p9/constants.ts';
import type { Qid } from '../p9/msg.ts';

/** Inode numbers of 48 bits leave 16 for the file system; one above that goes through a table. */
const HI_BITS = 16;
const HI_LIMIT = 1 << HI_BITS;
/** The file-system index of paths that were handed out from the table. */
const TABLE_DEV = HI_LIMIT - 1;

/**
 * qid.path for (file system, inode): unique over all file systems that lie inside the share, and the same for as long as the server lives. The root's
 * own file system has index 0, so there qid.path is the inode number that local programs see.
 */
export class QidPaths {
  private readonly devs = new Map<number, number>();
  private readonly big = new Map<string, number>();
  private lastDev = -1;
  private lastIndex = 0;
  lo = 0;
  hi = 0;

  /** `root`: the stat of the share's root. */
  constructor(root: StatBuf) {
    this.index(root.devMajor * 0x100000 + root.devMinor);
  }

  private index(dev: number): number {
    if (dev === this.lastDev) return this.lastIndex;
    let i = this.devs.get(dev);
    if (i === undefined) {
      i = this.devs.size;
      this.devs.set(dev, i);
    }
    this.lastDev = dev;
    this.lastIndex = i;
    return i;
  }

  /** Leaves the path of an object in `lo` and `hi`. */
  set(dev: number, inoLo: number, inoHi: number): void {
    const i = this.index(dev);
    if (inoHi < HI_LIMIT && i < TABLE_DEV) {
      this.lo = inoLo;
      this.hi = (inoHi | (i << HI_BITS)) >>> 0;
      return;
    }
    const key = `${dev}:${inoHi}:${inoLo}`;
    let n = this.big.get(key);
    if (n === undefined) {
      n = this.big.size + 1;
      this.big.set(key, n);
    }
    this.lo = n >>> 0;
    this.hi = ((TABLE_DEV << HI_BITS) | Math.floor(n / 4294967296)) >>> 0;
  }
}

/** qid.type of a mode. */
export function qidType(mode: number): number {
  const kind = mode & S_IFMT;
  return kind === S_IFDIR ? QTDIR : kind === S_IFLNK ? QTSYMLINK : QTFILE;
}

/**
 * A file system stamps all changes within one tick of its clock with the same time. Where it keeps fractions of a second, that is 10 ms at the most (CONFIG_HZ=100, exFAT); else it may be two
 * seconds (FAT). Some more, for a processor that is late. Milliseconds.
 */
const FINE_TICK_MS = 500;
const COARSE_TICK_MS = 2100;

/** Milliseconds since 1970, when it was last looked at. */
let lately = 0;
let sights = 0;

/** Could the object change once more, or have changed since a moment ago, and show the same ctime? */
function isFresh(s: StatBuf): boolean {
  const { ctimeNsec } = s;
  const tick = ctimeNsec === 0 ? COARSE_TICK_MS : FINE_TICK_MS;
  const at = s.ctimeSecLo * 1000 + ctimeNsec / 1e6;
  // Most are older than that, and the clock need not be asked.
  if (at + tick < lately) return false;
  lately = Date.now();
  return Math.abs(lately - at) < tick;
}

/**
 * qid.version: changes whenever the object does, because ctime does; of a regular file, whose contents are kept by it, also each time it is told while the file is fresh, when ctime might not. Never 0, which Linux'
 * client takes as "do not cache".
 */
export function qidVersion(s: StatBuf): number {
  let version = Math.imul(s.ctimeSecLo, 0x9e3779b1) ^ s.ctimeNsec ^ Math.imul(s.sizeLo, 0x85ebca6b);
  if (s.isFile && isFresh(s)) version ^= Math.imul(++sights, 0xc2b2ae35);
  return version >>> 0 || 1;
}

/** The qid of what `s` describes. */
export function qidOf(s: StatBuf, paths: QidPaths, q: Qid): void {
  paths.set(s.devMajor * 0x100000 + s.devMinor, s.inoLo, s.inoHi);
  q.set(qidType(s.mode), qidVersion(s), paths.lo, paths.hi);
}
