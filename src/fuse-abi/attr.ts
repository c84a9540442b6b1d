// SPDX-License-Identifier: MIT

/** Bytes of `struct fuse_attr`, `fuse_entry_out`, `fuse_attr_out`, `fuse_open_out`. */
export const ATTR = 88;
export const ENTRY_OUT = 128;
export const ATTR_OUT = 104;
export const OPEN_OUT = 16;

/** What a reply tells of an object. Halves where 64 bits are only copied. */
export class FuseAttr {
  inoLo = 0;
  inoHi = 0;
  sizeLo = 0;
  sizeHi = 0;
  blocksLo = 0;
  blocksHi = 0;
  atimeLo = 0;
  atimeHi = 0;
  mtimeLo = 0;
  mtimeHi = 0;
  ctimeLo = 0;
  ctimeHi = 0;
  atimeNsec = 0;
  mtimeNsec = 0;
  ctimeNsec = 0;
  mode = 0;
  nlink = 0;
  uid = 0;
  gid = 0;
  /** new_encode_dev form. */
  rdev = 0;
  blksize = 0;
}

/**
 * Writes `struct fuse_attr` at `pos`: ino@0 size@8 blocks@16 atime@24 mtime@32 ctime@40 (u64), atimensec@48 mtimensec@52 ctimensec@56 mode@60
 * nlink@64 uid@68 gid@72 rdev@76 blksize@80 flags@84 (u32).
 */
export function putAttr(dv: DataView, pos: number, a: FuseAttr): void {
  dv.setUint32(pos, a.inoLo, true);
  dv.setUint32(pos + 4, a.inoHi, true);
  dv.setUint32(pos + 8, a.sizeLo, true);
  dv.setUint32(pos + 12, a.sizeHi, true);
  dv.setUint32(pos + 16, a.blocksLo, true);
  dv.setUint32(pos + 20, a.blocksHi, true);
  dv.setUint32(pos + 24, a.atimeLo, true);
  dv.setUint32(pos + 28, a.atimeHi, true);
  dv.setUint32(pos + 32, a.mtimeLo, true);
  dv.setUint32(pos + 36, a.mtimeHi, true);
  dv.setUint32(pos + 40, a.ctimeLo, true);
  dv.setUint32(pos + 44, a.ctimeHi, true);
  dv.setUint32(pos + 48, a.atimeNsec, true);
  dv.setUint32(pos + 52, a.mtimeNsec, true);
  dv.setUint32(pos + 56, a.ctimeNsec, true);
  dv.setUint32(pos + 60, a.mode, true);
  dv.setUint32(pos + 64, a.nlink, true);
  dv.setUint32(pos + 68, a.uid, true);
  dv.setUint32(pos + 72, a.gid, true);
  dv.setUint32(pos + 76, a.rdev, true);
  dv.setUint32(pos + 80, a.blksize, true);
  dv.setUint32(pos + 84, 0, true);
}

/**
 * Writes `struct fuse_entry_out` at `pos`: nodeid@0 generation@8 entry_valid@16 attr_valid@24 (u64 seconds), entry_valid_nsec@32
 * attr_valid_nsec@36, attr@40. Times in milliseconds.
 */
export function putEntryOut(
  dv: DataView,
  pos: number,
  nodeid: number,
  generation: number,
  entryMs: number,
  attrMs: number,
  a: FuseAttr,
): void {
  dv.setUint32(pos, nodeid, true);
  dv.setUint32(pos + 4, 0, true);
  dv.setUint32(pos + 8, generation, true);
  dv.setUint32(pos + 12, 0, true);
  putMs(dv, pos + 16, pos + 32, entryMs);
  putMs(dv, pos + 24, pos + 36, attrMs);
  putAttr(dv, pos + 40, a);
}

/** Writes an entry that says "there is no such name", good for `entryMs`. */
export function putNegativeEntry(dv: DataView, pos: number, entryMs: number): void {
  for (let i = 0; i < ENTRY_OUT; i += 4) dv.setUint32(pos + i, 0, true);
  putMs(dv, pos + 16, pos + 32, entryMs);
}

/** Writes `struct fuse_attr_out` at `pos`: attr_valid@0 u64, attr_valid_nsec@8 u32, dummy@12, attr@16. */
export function putAttrOut(dv: DataView, pos: number, attrMs: number, a: FuseAttr): void {
  putMs(dv, pos, pos + 8, attrMs);
  dv.setUint32(pos + 12, 0, true);
  putAttr(dv, pos + 16, a);
}

/** Writes `struct fuse_open_out` at `pos`: fh@0 u64, open_flags@8 u32, backing_id@12. */
export function putOpenOut(dv: DataView, pos: number, fh: number, openFlags: number): void {
  dv.setUint32(pos, fh, true);
  dv.setUint32(pos + 4, 0, true);
  dv.setUint32(pos + 8, openFlags, true);
  dv.setUint32(pos + 12, 0, true);
}

function putMs(dv: DataView, secPos: number, nsecPos: number, ms: number): void {
  const sec = Math.floor(ms / 1000);
  dv.setUint32(secPos, sec, true);
  dv.setUint32(secPos + 4, Math.floor(sec / 4294967296), true);
  dv.setUint32(nsecPos, Math.floor((ms - sec * 1000) * 1e6), true);
}
