// SPDX-License-Identifier: MIT

import type { Mem } from '../base/mem.ts';
import type { StatBuf } from '../base/stat.ts';
import { ERROR, PROXY_HEADER, SUCCESS } from './constants.ts';

// Each writes one whole reply at the start of `out`, which has room for the longest, and returns its length.

/** type[4] size[4] status[4]: 0 or −errno. */
export const STATUS_SIZE = PROXY_HEADER + 4;
/** Of the payload of lstat. */
export const LSTAT_SIZE = 116;
export const STATFS_SIZE = 88;

export function putStatus(out: Mem, status: number): number {
  const { dv } = out;
  dv.setUint32(0, status < 0 ? ERROR : SUCCESS, true);
  dv.setUint32(4, 4, true);
  dv.setInt32(PROXY_HEADER, status, true);
  return STATUS_SIZE;
}

/** The header of a payload of `size` bytes that lies behind it already. */
export function putResponse(out: Mem, size: number): number {
  out.dv.setUint32(0, SUCCESS, true);
  out.dv.setUint32(4, size, true);
  return PROXY_HEADER + size;
}

/** A string of `length` bytes that lies at PROXY_HEADER + 2 already. */
export function putString(out: Mem, length: number): number {
  out.dv.setUint16(PROXY_HEADER, length, true);
  return putResponse(out, 2 + length);
}

/** A size alone: what the peer must make room for. */
export function putSize(out: Mem, size: number): number {
  out.dv.setInt32(PROXY_HEADER, size, true);
  return putResponse(out, 4);
}

/** generation[8] */
export function putGeneration(out: Mem, generation: number): number {
  out.dv.setUint32(PROXY_HEADER, generation, true);
  out.dv.setUint32(PROXY_HEADER + 4, 0, true);
  return putResponse(out, 8);
}

/**
 * dev[8] ino[8] nlink[8] mode[4] uid[4] gid[4] rdev[8] size[8] blksize[8] blocks[8] then seconds[8] and nanoseconds[8] of atime, mtime
 * and ctime. Devices as the C library's dev_t.
 */
export function putLstat(out: Mem, s: StatBuf): number {
  const { dv } = out;
  let p = PROXY_HEADER;
  putDev(dv, p, s.devMajor, s.devMinor);
  put64(dv, p + 8, s.inoLo, s.inoHi);
  put64(dv, p + 16, s.nlink, 0);
  dv.setUint32(p + 24, s.mode, true);
  dv.setUint32(p + 28, s.uid, true);
  dv.setUint32(p + 32, s.gid, true);
  p += 36;
  putDev(dv, p, s.rdevMajor, s.rdevMinor);
  put64(dv, p + 8, s.sizeLo, s.sizeHi);
  put64(dv, p + 16, s.blksize, 0);
  put64(dv, p + 24, s.blocksLo, s.blocksHi);
  put64(dv, p + 32, s.atimeSecLo, s.atimeSecHi);
  put64(dv, p + 40, s.atimeNsec, 0);
  put64(dv, p + 48, s.mtimeSecLo, s.mtimeSecHi);
  put64(dv, p + 56, s.mtimeNsec, 0);
  put64(dv, p + 64, s.ctimeSecLo, s.ctimeSecHi);
  put64(dv, p + 72, s.ctimeNsec, 0);
  return putResponse(out, LSTAT_SIZE);
}

/**
 * From the kernel's struct statfs (statfs(2), 64-bit machines: type, bsize, blocks, bfree, bavail, files, ffree of 8 bytes, fsid of two
 * times 4, namelen, frsize) to eleven fields of 8 bytes, each half of fsid in one of its own.
 */
export function putStatfs(out: Mem, fs: Mem): number {
  const { dv } = out;
  let p = PROXY_HEADER;
  for (let field = 0; field < 7; field++, p += 8) put64(dv, p, half(fs, field * 8), half(fs, field * 8 + 4));
  // The C library's fsid_t is signed, and so are its halves when they are widened.
  for (const at of [56, 60]) {
    const v = fs.dv.getInt32(at, true);
    put64(dv, p, v >>> 0, v < 0 ? 0xffffffff : 0);
    p += 8;
  }
  for (const at of [64, 72]) {
    put64(dv, p, half(fs, at), half(fs, at + 4));
    p += 8;
  }
  return putResponse(out, STATFS_SIZE);
}

const half = (fs: Mem, at: number): number => fs.dv.getUint32(at, true);

function put64(dv: DataView, p: number, lo: number, hi: number): void {
  dv.setUint32(p, lo, true);
  dv.setUint32(p + 4, hi, true);
}

/** gnu_dev_makedev(3): minor bits 0–7, major bits 0–11 at 8, minor bits 8–31 at 20, major bits 12–31 at 44. */
function putDev(dv: DataView, p: number, major: number, minor: number): void {
  put64(
    dv,
    p,
    ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0,
    ((minor >>> 20) | (major & 0xfffff000)) >>> 0,
  );
}

/** The major number of a dev_t in halves. */
export const devMajor = (lo: number, hi: number): number => (((lo >>> 8) & 0xfff) | (hi & 0xfffff000)) >>> 0;
/** The minor number. */
export const devMinor = (lo: number, hi: number): number =>
  ((lo & 0xff) | ((lo >>> 20) << 8) | (hi << 20)) >>> 0;
