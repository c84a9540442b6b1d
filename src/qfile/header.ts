// SPDX-License-Identifier: MIT

/**
 * The item stream of `qubes.Filecopy`, sender to receiver: for each item this header, `namelen` bytes of name and `filelen` bytes of data
 * (contents, or a symbolic link's target). A header of zeros ends the transfer. Little-endian, as on every machine of the original.
 *
 * | at | width | field |
 * |---|---|---|
 * | 0 | u32 | namelen, with the closing NUL; 0 = end |
 * | 4 | u32 | mode: st_mode, type and permission bits |
 * | 8 | u64 | filelen: length of the data; 0 of a folder |
 * | 16 | u32 | atime, seconds |
 * | 20 | u32 | atime, nanoseconds |
 * | 24 | u32 | mtime, seconds |
 * | 28 | u32 | mtime, nanoseconds |
 *
 * Source: qubes-linux-utils 4.3, qrexec-lib/libqubes-rpc-filecopy.h.
 */
export const HEADER_SIZE = 32;

/** Names and targets are shorter than this (MAX_PATH_LENGTH): 16,383 bytes at the most. */
export const MAX_PATH_LENGTH = 16_384;
export const NSEC_MAX = 999_999_999;

/** Lengths up to here are exact numbers. A longer one is a length that no file system has. */
export const FILELEN_MAX = Number.MAX_SAFE_INTEGER;

/** One header, reused from item to item. */
export class Header {
  namelen = 0;
  mode = 0;
  /** Bytes. Above FILELEN_MAX it is rounded, and must be refused. */
  filelen = 0;
  atime = 0;
  atimeNsec = 0;
  mtime = 0;
  mtimeNsec = 0;
}

const TWO32 = 4_294_967_296;

/** Reads HEADER_SIZE bytes at `off`. Every value of every field is let through: judging them is the receiver's business. */
export function decodeHeader(dv: DataView, off: number, into: Header): void {
  into.namelen = dv.getUint32(off, true);
  into.mode = dv.getUint32(off + 4, true);
  into.filelen = dv.getUint32(off + 12, true) * TWO32 + dv.getUint32(off + 8, true);
  into.atime = dv.getUint32(off + 16, true);
  into.atimeNsec = dv.getUint32(off + 20, true);
  into.mtime = dv.getUint32(off + 24, true);
  into.mtimeNsec = dv.getUint32(off + 28, true);
}

/** Writes HEADER_SIZE bytes at `off`. Seconds wrap in 2106, as the original's do. */
export function encodeHeader(dv: DataView, off: number, from: Header): void {
  dv.setUint32(off, from.namelen, true);
  dv.setUint32(off + 4, from.mode, true);
  putFilelen(dv, off, from.filelen);
  dv.setUint32(off + 16, from.atime >>> 0, true);
  dv.setUint32(off + 20, from.atimeNsec, true);
  dv.setUint32(off + 24, from.mtime >>> 0, true);
  dv.setUint32(off + 28, from.mtimeNsec, true);
}

/** Corrects the length of a header that was written at `off` and is not sent yet. */
export function putFilelen(dv: DataView, off: number, filelen: number): void {
  dv.setUint32(off + 8, filelen % TWO32, true);
  dv.setUint32(off + 12, Math.floor(filelen / TWO32), true);
}
