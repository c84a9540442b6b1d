// SPDX-License-Identifier: MIT

import { IN_HEADER, OUT_HEADER } from './opcodes.ts';

/**
 * `struct fuse_in_header`: len u32@0, opcode u32@4, unique u64@8, nodeid u64@16, uid u32@24, gid u32@28, pid u32@32, total_extlen u16@36.
 * One is made and filled again for each request.
 */
export class InHeader {
  len = 0;
  opcode = 0;
  uniqueLo = 0;
  uniqueHi = 0;
  nodeLo = 0;
  nodeHi = 0;
  uid = 0;
  gid = 0;
  /** Thread id of the caller in our pid namespace; 0 when it lives elsewhere or the kernel itself asks. */
  pid = 0;
  /** Where the body ends: before any extensions. */
  end = 0;

  /** Reads the header at the start of `dv`. False when `have` bytes do not make a whole request. */
  read(dv: DataView, have: number): boolean {
    if (have < IN_HEADER) return false;
    this.len = dv.getUint32(0, true);
    if (this.len !== have) return false;
    this.opcode = dv.getUint32(4, true);
    this.uniqueLo = dv.getUint32(8, true);
    this.uniqueHi = dv.getUint32(12, true);
    this.nodeLo = dv.getUint32(16, true);
    this.nodeHi = dv.getUint32(20, true);
    this.uid = dv.getUint32(24, true);
    this.gid = dv.getUint32(28, true);
    this.pid = dv.getUint32(32, true);
    this.end = have - dv.getUint16(36, true) * 8;
    return this.end >= IN_HEADER;
  }
}

/** Writes `struct fuse_out_header` at `pos`: len u32, error i32 (0 or -errno, -1…-511), unique u64. `len` counts the header. */
export function putOutHeader(
  dv: DataView,
  pos: number,
  len: number,
  error: number,
  uniqueLo: number,
  uniqueHi: number,
): void {
  dv.setUint32(pos, len, true);
  dv.setInt32(pos + 4, error, true);
  dv.setUint32(pos + 8, uniqueLo, true);
  dv.setUint32(pos + 12, uniqueHi, true);
}

/** Writes the head of FUSE_NOTIFY_STORE (a notification header and `struct fuse_notify_store_out`) in the 40 bytes before `dataPos`; returns where it begins. */
export function putNotifyStore(
  dv: DataView,
  dataPos: number,
  code: number,
  nodeid: number,
  offset: number,
  size: number,
): number {
  const pos = dataPos - NOTIFY_STORE_HEAD;
  putOutHeader(dv, pos, NOTIFY_STORE_HEAD + size, code, 0, 0);
  dv.setUint32(pos + OUT_HEADER, nodeid, true);
  dv.setUint32(pos + OUT_HEADER + 4, 0, true);
  dv.setUint32(pos + OUT_HEADER + 8, offset, true);
  dv.setUint32(pos + OUT_HEADER + 12, Math.floor(offset / 4294967296), true);
  dv.setUint32(pos + OUT_HEADER + 16, size, true);
  dv.setUint32(pos + OUT_HEADER + 20, 0, true);
  return pos;
}

/** Header and struct of FUSE_NOTIFY_STORE. */
export const NOTIFY_STORE_HEAD = OUT_HEADER + 24;

/** FUSE_NOTIFY_INVAL_INODE with an offset of −1 (a notification header and `struct fuse_notify_inval_inode_out`) at `pos`: attributes only. Returns its length. */
export function putInvalInode(dv: DataView, pos: number, code: number, nodeid: number): number {
  const len = OUT_HEADER + 24;
  putOutHeader(dv, pos, len, code, 0, 0);
  dv.setUint32(pos + OUT_HEADER, nodeid, true);
  dv.setUint32(pos + OUT_HEADER + 4, 0, true);
  dv.setInt32(pos + OUT_HEADER + 8, -1, true);
  dv.setInt32(pos + OUT_HEADER + 12, -1, true);
  dv.setUint32(pos + OUT_HEADER + 16, 0, true);
  dv.setUint32(pos + OUT_HEADER + 20, 0, true);
  return len;
}
