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

/**
 * Writes all of an entry but the bytes of its name, which the caller puts at `pos + DIRENT_FIXED`; returns the position after the entry. The caller
 * has checked that `DIRENT_FIXED + nameLen` bytes fit. qid.version is 0: a listing does not look at the objects.
 */
export function putDirentHead(
  dv: DataView,
  pos: number,
  qidType: number,
  pathLo: number,
  pathHi: number,
  offsetLo: number,
  offsetHi: number,
  type: number,
  nameLen: number,
): number {
  dv.setUint8(pos, qidType);
  dv.setUint32(pos + 1, 0, true);
  dv.setUint32(pos + 5, pathLo, true);
  dv.setUint32(pos + 9, pathHi, true);
  dv.setUint32(pos + 13, offsetLo, true);
  dv.setUint32(pos + 17, offsetHi, true);
  dv.setUint8(pos + 21, type);
  dv.setUint16(pos + 22, nameLen, true);
  return pos + DIRENT_FIXED + nameLen;
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
