// SPDX-License-Identifier: MIT

/**
 * Entries of Rreaddir: qid[13] offset[8] type[1] name[s]; 24 bytes and the name.
 * Source: spec of 9P2000.L (diod protocol.md, "readdir"); Linux net/9p/protocol.c p9dirent_read.
 */
export const DIRENT_FIXED = 24;

/** One entry, read in place. */
export class Dirent {
  qidType = 0;
  qidVersion = 0;
  pathLo = 0;
  pathHi = 0;
  offsetLo = 0;
  offsetHi = 0;
  type = 0;
  nameOff = 0;
  nameLen = 0;
}

/** Writes one entry at `pos` and returns the position after it; the caller has checked that `DIRENT_FIXED + nameLen` bytes fit. */
export function putDirent(dv: DataView, u8: Uint8Array, pos: number, e: Dirent, from: Uint8Array): number {
  dv.setUint8(pos, e.qidType);
  dv.setUint32(pos + 1, e.qidVersion, true);
  dv.setUint32(pos + 5, e.pathLo, true);
  dv.setUint32(pos + 9, e.pathHi, true);
  dv.setUint32(pos + 13, e.offsetLo, true);
  dv.setUint32(pos + 17, e.offsetHi, true);
  dv.setUint8(pos + 21, e.type);
  const n = e.nameLen;
  dv.setUint16(pos + 22, n, true);
  const to = pos + DIRENT_FIXED;
  const off = e.nameOff;
  for (let i = 0; i < n; i++) u8[to + i] = from[off + i] as number;
  return to + n;
}

/** Reads the entry at `pos` into `e` and returns the position after it, or -1 when it runs over `end`. */
export function readDirent(dv: DataView, pos: number, end: number, e: Dirent): number {
  if (pos + DIRENT_FIXED > end) return -1;
  const n = dv.getUint16(pos + 22, true);
  if (pos + DIRENT_FIXED + n > end) return -1;
  e.qidType = dv.getUint8(pos);
  e.qidVersion = dv.getUint32(pos + 1, true);
  e.pathLo = dv.getUint32(pos + 5, true);
  e.pathHi = dv.getUint32(pos + 9, true);
  e.offsetLo = dv.getUint32(pos + 13, true);
  e.offsetHi = dv.getUint32(pos + 17, true);
  e.type = dv.getUint8(pos + 21);
  e.nameOff = pos + DIRENT_FIXED;
  e.nameLen = n;
  return pos + DIRENT_FIXED + n;
}
