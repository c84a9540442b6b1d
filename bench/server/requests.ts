// SPDX-License-Identifier: MIT

import type { Mem } from '../../src/base/mem.ts';
import { HEADER, TWRITE_HEADER } from '../../src/p9/constants.ts';
import { T } from '../../src/p9/messages.ts';

// Requests written straight into memory: each function puts one message at `off` and returns its length. Not the codec of src/p9, which reads
// and writes any message there is: the load must cost as little as possible, and must not share a mistake with the server it measures.
// Layouts: Linux' net/9p/client.c, diod's protocol.md.

function head(m: Mem, off: number, size: number, type: number, tag: number): number {
  m.dv.setUint32(off, size, true);
  m.u8[off + 4] = type;
  m.dv.setUint16(off + 5, tag, true);
  return size;
}

function u64(m: Mem, off: number, value: number): void {
  m.dv.setUint32(off, value >>> 0, true);
  m.dv.setUint32(off + 4, Math.floor(value / 4294967296), true);
}

function str(m: Mem, off: number, s: Uint8Array): number {
  m.dv.setUint16(off, s.length, true);
  for (let i = 0; i < s.length; i++) m.u8[off + 2 + i] = s[i] as number;
  return off + 2 + s.length;
}

/** msize[4] version[s] */
export function version(m: Mem, off: number, msize: number, text: Uint8Array): number {
  m.dv.setUint32(off + HEADER, msize, true);
  return head(m, off, str(m, off + HEADER + 4, text) - off, T.version, 0xffff);
}

/** fid[4] afid[4] uname[s] aname[s] n_uname[4] */
export function attach(
  m: Mem,
  off: number,
  tag: number,
  fid: number,
  uname: Uint8Array,
  aname: Uint8Array,
  uid: number,
): number {
  m.dv.setUint32(off + 7, fid, true);
  m.dv.setUint32(off + 11, 0xffffffff, true);
  const at = str(m, str(m, off + 15, uname), aname);
  m.dv.setUint32(at, uid, true);
  return head(m, off, at + 4 - off, T.attach, tag);
}

/** fid[4] newfid[4] nwname[2] nwname×name[s] */
export function walk(
  m: Mem,
  off: number,
  tag: number,
  fid: number,
  newfid: number,
  names: readonly Uint8Array[],
): number {
  m.dv.setUint32(off + 7, fid, true);
  m.dv.setUint32(off + 11, newfid, true);
  m.dv.setUint16(off + 15, names.length, true);
  let at = off + 17;
  for (let i = 0; i < names.length; i++) at = str(m, at, names[i] as Uint8Array);
  return head(m, off, at - off, T.walk, tag);
}

/** fid[4] request_mask[8] */
export function getattr(m: Mem, off: number, tag: number, fid: number, mask: number): number {
  m.dv.setUint32(off + 7, fid, true);
  u64(m, off + 11, mask);
  return head(m, off, 19, T.getattr, tag);
}

/** fid[4] flags[4] */
export function lopen(m: Mem, off: number, tag: number, fid: number, flags: number): number {
  m.dv.setUint32(off + 7, fid, true);
  m.dv.setUint32(off + 11, flags, true);
  return head(m, off, 15, T.lopen, tag);
}

/** fid[4] name[s] flags[4] mode[4] gid[4] */
export function lcreate(
  m: Mem,
  off: number,
  tag: number,
  fid: number,
  name: Uint8Array,
  flags: number,
  mode: number,
  gid: number,
): number {
  m.dv.setUint32(off + 7, fid, true);
  const at = str(m, off + 11, name);
  m.dv.setUint32(at, flags, true);
  m.dv.setUint32(at + 4, mode, true);
  m.dv.setUint32(at + 8, gid, true);
  return head(m, off, at + 12 - off, T.lcreate, tag);
}

/** fid[4] offset[8] count[4]: Tread and Treaddir. */
export function read(
  m: Mem,
  off: number,
  type: number,
  tag: number,
  fid: number,
  pos: number,
  count: number,
): number {
  m.dv.setUint32(off + 7, fid, true);
  u64(m, off + 11, pos);
  m.dv.setUint32(off + 19, count, true);
  return head(m, off, 23, type, tag);
}

/** fid[4] offset[8] count[4] data: `count` bytes that lie behind the header already. */
export function write(m: Mem, off: number, tag: number, fid: number, pos: number, count: number): number {
  m.dv.setUint32(off + 7, fid, true);
  u64(m, off + 11, pos);
  m.dv.setUint32(off + 19, count, true);
  return head(m, off, TWRITE_HEADER + count, T.write, tag);
}

/** fid[4] */
export function clunk(m: Mem, off: number, tag: number, fid: number): number {
  m.dv.setUint32(off + 7, fid, true);
  return head(m, off, 11, T.clunk, tag);
}

/** dirfid[4] name[s] flags[4] */
export function unlinkat(m: Mem, off: number, tag: number, fid: number, name: Uint8Array): number {
  m.dv.setUint32(off + 7, fid, true);
  const at = str(m, off + 11, name);
  m.dv.setUint32(at, 0, true);
  return head(m, off, at + 4 - off, T.unlinkat, tag);
}
