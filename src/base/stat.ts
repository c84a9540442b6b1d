// SPDX-License-Identifier: MIT

import type { Mem } from './mem.ts';

/** File type bits of st_mode (inode(7)). */
export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;
/** Whether it is a fifo, a socket or a device: a client's own kernel opens those, and tells no file server. */
export function isSpecial(mode: number): boolean {
  const kind = mode & S_IFMT;
  return kind === S_IFIFO || kind === S_IFSOCK || kind === S_IFCHR || kind === S_IFBLK;
}
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;

/** statx(2) request and result masks. */
export const STATX_BASIC_STATS = 0x7ff;
export const STATX_BTIME = 0x800;

const TWO32 = 4294967296;

/**
 * A `struct statx` (256 bytes) as the kernel left it, read in place. 64-bit fields come as two 32-bit halves where exactness
 * matters (they are copied to the wire), and as a number where a number is enough.
 * Source: include/uapi/linux/stat.h. Little-endian machines only, like all of Ninefold.
 */
export class StatBuf {
  readonly mem: Mem;
  private readonly dv: DataView;

  /** `mem`: at least 256 bytes, owned by the caller. */
  constructor(mem: Mem) {
    this.mem = mem;
    this.dv = mem.dv;
  }

  get mask(): number {
    return this.dv.getUint32(0, true);
  }
  get blksize(): number {
    return this.dv.getUint32(4, true);
  }
  get nlink(): number {
    return this.dv.getUint32(16, true);
  }
  get uid(): number {
    return this.dv.getUint32(20, true);
  }
  get gid(): number {
    return this.dv.getUint32(24, true);
  }
  get mode(): number {
    return this.dv.getUint16(28, true);
  }
  get inoLo(): number {
    return this.dv.getUint32(32, true);
  }
  get inoHi(): number {
    return this.dv.getUint32(36, true);
  }
  get sizeLo(): number {
    return this.dv.getUint32(40, true);
  }
  get sizeHi(): number {
    return this.dv.getUint32(44, true);
  }
  /** Exact up to 2^53. */
  get size(): number {
    return this.sizeHi * TWO32 + this.sizeLo;
  }
  get blocksLo(): number {
    return this.dv.getUint32(48, true);
  }
  get blocksHi(): number {
    return this.dv.getUint32(52, true);
  }
  get atimeSecLo(): number {
    return this.dv.getUint32(64, true);
  }
  get atimeSecHi(): number {
    return this.dv.getUint32(68, true);
  }
  get atimeNsec(): number {
    return this.dv.getUint32(72, true);
  }
  get btimeSecLo(): number {
    return this.dv.getUint32(80, true);
  }
  get btimeSecHi(): number {
    return this.dv.getUint32(84, true);
  }
  get btimeNsec(): number {
    return this.dv.getUint32(88, true);
  }
  get ctimeSecLo(): number {
    return this.dv.getUint32(96, true);
  }
  get ctimeSecHi(): number {
    return this.dv.getUint32(100, true);
  }
  get ctimeNsec(): number {
    return this.dv.getUint32(104, true);
  }
  get mtimeSecLo(): number {
    return this.dv.getUint32(112, true);
  }
  get mtimeSecHi(): number {
    return this.dv.getUint32(116, true);
  }
  get mtimeNsec(): number {
    return this.dv.getUint32(120, true);
  }
  get rdevMajor(): number {
    return this.dv.getUint32(128, true);
  }
  get rdevMinor(): number {
    return this.dv.getUint32(132, true);
  }
  get devMajor(): number {
    return this.dv.getUint32(136, true);
  }
  get devMinor(): number {
    return this.dv.getUint32(140, true);
  }
  /** Mount id (STATX_MNT_ID, Linux 5.8): low half. */
  get mountIdLo(): number {
    return this.dv.getUint32(144, true);
  }

  get isDir(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }
  get isFile(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }
  get isSymlink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }
}

/** st_mode's type bits → d_type (readdir(3)): the same four bits, shifted. */
export function modeToDtype(mode: number): number {
  return (mode & S_IFMT) >>> 12;
}

/**
 * (major, minor) → the kernel's 32-bit `new_encode_dev` form, which 9P2000.L and FUSE carry as rdev:
 * minor bits 0–7, major 12 bits at 8, minor bits 8–19 at 20 (include/linux/kdev_t.h).
 */
export function encodeDev(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

/** The inverse of `encodeDev`. */
export function decodeDev(rdev: number): { major: number; minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}
