// SPDX-License-Identifier: MIT

import { EBADF, EINVAL, ENOTDIR } from '../../base/errno.ts';
import type { Off } from '../../base/sys.ts';
import { QTDIR, QTFILE, QTSYMLINK, RREAD_HEADER } from '../../p9/constants.ts';
import { DIRENT_FIXED, putDirentHead } from '../../p9/dirent.ts';
import { REPLIED } from '../backend.ts';
import type { Folder } from '../folder.ts';
import type { OpenFile } from '../open-file.ts';
import type { Handler } from './index.ts';

/** Bytes that a copy by fours may touch behind the last entry, in both buffers. */
export const READDIR_SLACK = 4;
/** `nextEntry`: the folder has no more. Below every -errno. */
export const END = -100_000;
const DT_UNKNOWN = 0;
const DT_DIR = 4;
const DT_LNK = 10;
const SEEK_SET = 0;
const TWO32 = 4294967296;

/**
 * Treaddir fid[4] offset[8] count[4] → Rreaddir count[4] data
 *
 * The cookies are the file system's own (d_off of getdents64(2)): they stay good while entries come and go, and any of them may be asked for again. A reply
 * that goes on where the last one ended needs no seek and finds what is left of the last getdents in memory.
 */
export const readdir: Handler = (f, m, w, wire) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  const file = fid.open;
  if (file === undefined) return -EBADF;
  if (!file.isDir) return -ENOTDIR;
  const count = Math.min(m.count, f.msize - RREAD_HEADER);
  const dev = devOf(f, file);
  if (dev < 0) return dev;
  const ready = seek(f, file, m.offset);
  if (ready < 0) return ready;
  const start = w.pos;
  w.u32(0);
  const end = fill(f, file, dev, wire.out.dv, w.pos, w.pos + count);
  if (end < 0) return end;
  w.patch32(start, end - w.pos);
  w.pos = end;
  return REPLIED;
};

/** The file system of an open folder, asked once; -errno. */
export function devOf(f: Folder, file: OpenFile): number {
  if (file.dev >= 0) return file.dev;
  const r = f.sys.stat(file.fd, f.stat);
  if (r < 0) return r;
  file.dev = f.stat.devMajor * 0x100000 + f.stat.devMinor;
  return file.dev;
}

/** Makes `f.dents` go on at cookie `offset`. 0 or -errno. */
export function seek(f: Folder, file: OpenFile, offset: Off): number {
  const lo = typeof offset === 'number' ? offset >>> 0 : Number(offset & 0xffffffffn);
  const hi = typeof offset === 'number' ? Math.floor(offset / TWO32) : Number(offset >> 32n);
  if (f.dentsOf === file && file.cookieLo === lo && file.cookieHi === hi) return 0;
  if (hi > 0x7fffffff) return -EINVAL;
  f.dentsOf = file;
  f.dentsPos = 0;
  f.dentsEnd = 0;
  // A folder that was just opened stands at its beginning; seeking would make some file systems read it anew.
  if (file.untouched && lo === 0 && hi === 0) return 0;
  file.cookieLo = lo;
  file.cookieHi = hi;
  const r = f.sys.lseek(file.fd, offset, SEEK_SET);
  return r < 0 ? Number(r) : 0;
}

/**
 * The next entry to hand out: its position in `f.dents`, 0… as found, or END, or -errno. `struct linux_dirent64`: d_ino@0 d_off@8 d_reclen@16 d_type@18
 * d_name@19, NUL-terminated.
 */
export function nextEntry(f: Folder, file: OpenFile): number {
  for (;;) {
    if (f.dentsPos >= f.dentsEnd) {
      const n = f.sys.getdents(file.fd, f.dents, 0, f.dents.size - READDIR_SLACK);
      file.untouched = false;
      if (n < 0) return n;
      if (n === 0) return END;
      f.dentsPos = 0;
      f.dentsEnd = n;
    }
    const at = f.dentsPos;
    if (!f.options.noSymlinks || !isLink(f, file, f.dents.dv.getUint8(at + 18), at + 19)) return at;
    pass(f, file, at);
  }
}

/** The entry at `at` was handed out (or is not shown): the folder goes on behind it. */
export function pass(f: Folder, file: OpenFile, at: number): void {
  const { dv } = f.dents;
  f.dentsPos = at + dv.getUint16(at + 16, true);
  file.cookieLo = dv.getUint32(at + 8, true);
  file.cookieHi = dv.getUint32(at + 12, true);
}

/** Bytes of the name of the entry at `at`. d_reclen is rounded up to 8: the NUL stands in the last 8 bytes, so only they are searched. */
export function nameLength(f: Folder, at: number): number {
  const { u8, dv } = f.dents;
  let e = at + Math.max(19, dv.getUint16(at + 16, true) - 8);
  while (u8[e] !== 0) e++;
  return e - at - 19;
}

/** Copies that name to `to` in `out`, four bytes at a time; what runs over is overwritten by the next field or lies in READDIR_SLACK. */
export function copyName(f: Folder, at: number, n: number, out: DataView, to: number): void {
  const { dv } = f.dents;
  for (let i = 0; i < n; i += 4) out.setUint32(to + i, dv.getUint32(at + 19 + i, true), true);
}

/** Copies whole entries to `[from, end)`; returns where they end, or -EINVAL when not even one fits. */
function fill(f: Folder, file: OpenFile, dev: number, out: DataView, from: number, end: number): number {
  const { paths } = f;
  const { dv } = f.dents;
  let pos = from;
  for (;;) {
    const at = nextEntry(f, file);
    if (at < 0) return pos > from || at === END ? pos : at;
    const n = nameLength(f, at);
    if (pos + DIRENT_FIXED + n > end) return pos > from ? pos : -EINVAL;
    copyName(f, at, n, out, pos + DIRENT_FIXED);
    paths.set(dev, dv.getUint32(at, true), dv.getUint32(at + 4, true));
    const type = dv.getUint8(at + 18);
    pos = putDirentHead(
      out,
      pos,
      type === DT_DIR ? QTDIR : type === DT_LNK ? QTSYMLINK : QTFILE,
      paths.lo,
      paths.hi,
      dv.getUint32(at + 8, true),
      dv.getUint32(at + 12, true),
      type,
      n,
    );
    pass(f, file, at);
  }
}

/** For shares without symbolic links; some file systems leave the type for stat to tell (DT_UNKNOWN). */
function isLink(f: Folder, file: OpenFile, type: number, nameAt: number): boolean {
  if (type !== DT_UNKNOWN) return type === DT_LNK;
  const { u8 } = f.dents;
  f.nameA.cstring(u8.subarray(nameAt, u8.indexOf(0, nameAt)));
  return f.sys.statat(file.fd, f.nameA, f.stat) >= 0 && f.stat.isSymlink;
}
