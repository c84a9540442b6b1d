// SPDX-License-Identifier: MIT

import { ENTRY_OUT } from './attr.ts';

/** `struct fuse_dirent` before the name. */
export const DIRENT_HEAD = 24;

/** Bytes of an entry of READDIR with a name of `nameLen` bytes: padded to 8. */
export function direntSize(nameLen: number): number {
  return (DIRENT_HEAD + nameLen + 7) & ~7;
}

/** Bytes of an entry of READDIRPLUS. */
export function direntPlusSize(nameLen: number): number {
  return ENTRY_OUT + direntSize(nameLen);
}

/**
 * Writes `struct fuse_dirent` at `pos`: ino u64@0, off u64@8 (where the next entry begins), namelen u32@16, type u32@20, name, zeros to a multiple of 8.
 * Returns the position after it. The caller has checked the room and the name (not empty, no `/`, no NUL).
 */
export function putDirent(
  dv: DataView,
  u8: Uint8Array,
  pos: number,
  inoLo: number,
  inoHi: number,
  offLo: number,
  offHi: number,
  type: number,
  name: Uint8Array,
  nameOff: number,
  nameLen: number,
): number {
  dv.setUint32(pos, inoLo, true);
  dv.setUint32(pos + 4, inoHi, true);
  dv.setUint32(pos + 8, offLo, true);
  dv.setUint32(pos + 12, offHi, true);
  dv.setUint32(pos + 16, nameLen, true);
  dv.setUint32(pos + 20, type, true);
  let to = pos + DIRENT_HEAD;
  for (let i = 0; i < nameLen; i++) u8[to++] = name[nameOff + i] as number;
  while ((to & 7) !== 0) u8[to++] = 0;
  return to;
}
