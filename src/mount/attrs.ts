// SPDX-License-Identifier: MIT

import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '../base/stat.ts';
import { FuseAttr, UNKNOWN_INO } from '../fuse-abi/index.ts';
import { AT, GETATTR_BTIME, QTDIR } from '../p9-client/index.ts';
import type { Node } from './node.ts';

const NSEC = 1_000_000_000;
const NOBODY = 65534;
const INVALID_ID = 0xffffffff;
const TWO32 = 4294967296;

/** What the mount's options say about whose the files are. */
export interface Owners {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/**
 * The attributes of one object, taken from the body of an Rgetattr and made fit for the kernel: a server may write any 153 bytes. One is made and filled
 * again for each reply.
 */
export class Attrs {
  readonly fuse = new FuseAttr();
  qidType = 0;
  version = 0;
  pathLo = 0;
  pathHi = 0;
  kind = 0;
  bornSec = 0;
  bornNsec = 0;
  /** The server's own number, where `fuse` has what is to be shown. */
  private gid = 0;
  private readonly owners: Owners;

  constructor(owners: Owners) {
    this.owners = owners;
  }

  /** Reads the body at `p`. False: no object can look like this (no such type, a folder that is none, a size past 2^63). */
  read(dv: DataView, p: number): boolean {
    const a = this.fuse;
    const mode = dv.getUint32(p + AT.mode, true);
    const kind = mode & S_IFMT;
    this.qidType = dv.getUint8(p + AT.qidType);
    if (!isKind(kind) || (kind === S_IFDIR) !== ((this.qidType & QTDIR) !== 0)) return false;
    this.kind = kind;
    this.version = dv.getUint32(p + AT.qidVersion, true);
    this.pathLo = dv.getUint32(p + AT.qidPath, true);
    this.pathHi = dv.getUint32(p + AT.qidPath + 4, true);
    a.sizeLo = dv.getUint32(p + AT.size, true);
    a.sizeHi = dv.getUint32(p + AT.size + 4, true);
    if (a.sizeHi > 0x7fffffff) return false;
    const born = (dv.getUint32(p + AT.valid, true) & GETATTR_BTIME) !== 0;
    this.bornSec = born ? dv.getUint32(p + AT.btimeSec, true) : 0;
    this.bornNsec = born ? dv.getUint32(p + AT.btimeNsec, true) : 0;
    a.mode = mode & 0o177777;
    // 0 would hide the object from readdir(3).
    a.inoLo = (this.pathLo | this.pathHi) === 0 ? UNKNOWN_INO : this.pathLo;
    a.inoHi = this.pathHi;
    a.blocksLo = dv.getUint32(p + AT.blocks, true);
    a.blocksHi = dv.getUint32(p + AT.blocks + 4, true);
    a.uid = this.owners.uid ?? id(dv.getUint32(p + AT.uid, true));
    this.gid = id(dv.getUint32(p + AT.gid, true));
    a.gid = this.owners.gid ?? this.gid;
    a.nlink = dv.getUint32(p + AT.nlink + 4, true) === 0 ? dv.getUint32(p + AT.nlink, true) : 0xffffffff;
    a.rdev = kind === S_IFCHR || kind === S_IFBLK ? dv.getUint32(p + AT.rdev, true) : 0;
    a.blksize = blockSize(dv.getUint32(p + AT.blksize, true));
    a.atimeLo = dv.getUint32(p + AT.atimeSec, true);
    a.atimeHi = dv.getUint32(p + AT.atimeSec + 4, true);
    a.atimeNsec = nsec(dv.getUint32(p + AT.atimeNsec, true));
    a.mtimeLo = dv.getUint32(p + AT.mtimeSec, true);
    a.mtimeHi = dv.getUint32(p + AT.mtimeSec + 4, true);
    a.mtimeNsec = nsec(dv.getUint32(p + AT.mtimeNsec, true));
    a.ctimeLo = dv.getUint32(p + AT.ctimeSec, true);
    a.ctimeHi = dv.getUint32(p + AT.ctimeSec + 4, true);
    a.ctimeNsec = nsec(dv.getUint32(p + AT.ctimeNsec, true));
    return true;
  }

  /** Notes in `node` what later decisions need. */
  noteIn(node: Node): void {
    const a = this.fuse;
    node.mode = a.mode;
    node.gid = this.gid;
    node.nlink = a.nlink;
    node.size = a.sizeHi * TWO32 + a.sizeLo;
    node.version = this.version;
    node.mtimeSec = a.mtimeLo;
    node.bornSec = this.bornSec;
    node.bornNsec = this.bornNsec;
  }

  /** Whether this is the object that `node` stands for. */
  isOf(node: Node): boolean {
    if (node.pathLo !== this.pathLo || node.pathHi !== this.pathHi || node.kind !== this.kind) return false;
    if (node.bornSec === 0 || this.bornSec === 0) return true;
    return node.bornSec === this.bornSec && node.bornNsec === this.bornNsec;
  }
}

/** Attributes kept for one answer. */
export interface FreshAttr {
  /** When they were asked for, ms. */
  readonly at: number;
  readonly attr: FuseAttr;
}

function isKind(kind: number): boolean {
  switch (kind) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
    case S_IFIFO:
    case S_IFSOCK:
    case S_IFCHR:
    case S_IFBLK:
      return true;
    default:
      return false;
  }
}

function nsec(n: number): number {
  return n < NSEC ? n : 0;
}

/** (uid_t)-1 is no user: the kernel would make an inode that nobody can own. */
function id(n: number): number {
  return n === INVALID_ID ? NOBODY : n;
}

/** A power of two from 512 to 1 MiB, else 4096. The kernel takes the logarithm of it. */
function blockSize(n: number): number {
  return n >= 512 && n <= 1048576 && (n & (n - 1)) === 0 ? n : 4096;
}
