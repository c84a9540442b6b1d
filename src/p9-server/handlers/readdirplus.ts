// SPDX-License-Identifier: MIT

import { EBADF, EINVAL, ENOENT, ENOTDIR, EPERM } from '../../base/errno.ts';
import { O_DIRECTORY, O_RDONLY } from '../../base/sys.ts';
import type { Writer } from '../../p9/coder.ts';
import { RREAD_HEADER } from '../../p9/constants.ts';
import { T } from '../../p9/messages.ts';
import { type Msg, Qid } from '../../p9/msg.ts';
import { REPLIED, type Wire } from '../backend.ts';
import type { Folder } from '../folder.ts';
import { checkNewName } from '../names.ts';
import type { OpenFile } from '../open-file.ts';
import { qidType } from '../qid.ts';
import { putStat } from './attr.ts';
import type { Handler } from './index.ts';
import { openNode } from './lopen.ts';
import { copyName, devOf, END, nameLength, nextEntry, pass, seek } from './readdir.ts';

const qid = new Qid();
/** Body of Rgetattr, offset[8], the length of name[s]. */
const ENTRY_FIXED = 153 + 8 + 2;
const DOT = 0x2e;
/** Bits of eof. Nothing follows. */
const END_OF_LISTING = 1;
/**
 * And what was not listed is not there: the folder has not changed since the call began, or, when it began in the middle, for QUIET_MS. Else a name that was there
 * all the time may be missing: tmpfs and btrfs give an entry that rename(2) replaces a new place, which may lie behind the reader.
 */
const QUIET = 2;
const QUIET_MS = 2000;
/** Times of change come from a clock that stands still for a tick, 10 ms at the most (CONFIG_HZ=100). */
const TICK_MS = 20;

/**
 * Treaddirplus fid[4] offset[8] count[4] → Rreaddirplus eof[1] count[4] data
 *
 * Ninefold's own: what Treaddir tells, with each entry's attributes, at the price of one statx an entry and no message. An entry that cannot be looked at any more, `.` and
 * `..` have no valid bits, only a qid and the type bits of mode. eof: 0, END_OF_LISTING, or that with QUIET. A folder that is not open is opened for this one request.
 */
export const readdirplus: Handler = (f, m, w, wire) => {
  const fid = f.fid(m.fid);
  if (fid === undefined || fid.xattr !== undefined) return -EBADF;
  if (fid.open !== undefined) return list(f, fid.open, m, w, wire);
  if (!fid.node.isDir) return -ENOTDIR;
  if (f.refuses(T.lopen)) return -EPERM;
  const file = openNode(f, fid.node, O_RDONLY | O_DIRECTORY);
  if (typeof file === 'number') return file;
  const r = list(f, file, m, w, wire);
  f.closeFile(file, fid);
  return r;
};

function list(f: Folder, file: OpenFile, m: Msg, w: Writer, wire: Wire): number {
  if (!file.isDir) return -ENOTDIR;
  const dev = devOf(f, file);
  if (dev < 0) return dev;
  const began = Date.now();
  const ready = seek(f, file, m.offset);
  if (ready < 0) return ready;
  const count = Math.min(m.count, f.msize - RREAD_HEADER - 1);
  const start = w.pos;
  w.u8(0);
  w.u32(0);
  const r = entries(f, file, w, wire.out.dv, w.pos + count);
  if (r < 0) return r;
  const since = Number(m.offset) === 0 ? began : began - QUIET_MS;
  wire.out.dv.setUint8(start, r === END_OF_LISTING && isQuiet(f, file, since) ? r | QUIET : r);
  w.patch32(start + 1, w.pos - start - 5);
  return REPLIED;
}

/** Whether no entry of the folder has come, gone or changed places since `since`, milliseconds since 1970. */
function isQuiet(f: Folder, file: OpenFile, since: number): boolean {
  const s = f.stat;
  if (f.sys.stat(file.fd, s) < 0) return false;
  return s.ctimeSecHi === 0 && s.ctimeSecLo * 1000 + s.ctimeNsec / 1e6 + TICK_MS < since;
}

/** Writes whole entries up to `end`. END_OF_LISTING when the folder has no more, 0 when it may, or -errno. */
function entries(f: Folder, file: OpenFile, w: Writer, out: DataView, end: number): number {
  const first = w.pos;
  const { dv, u8 } = f.dents;
  for (;;) {
    const at = nextEntry(f, file);
    if (at === END) return END_OF_LISTING;
    if (at < 0) return w.pos > first ? 0 : at;
    const n = nameLength(f, at);
    if (w.pos + ENTRY_FIXED + n > end) return w.pos > first ? 0 : -EINVAL;
    const dots = u8[at + 19] === DOT && (n === 1 || (n === 2 && u8[at + 20] === DOT));
    if (dots || !look(f, file, at, n)) bare(f, at, file.dev, w);
    else putStat(f, w);
    w.u64halves(dv.getUint32(at + 8, true), dv.getUint32(at + 12, true));
    w.u16(n);
    copyName(f, at, n, out, w.pos);
    w.pos += n;
    pass(f, file, at);
  }
}

function look(f: Folder, file: OpenFile, at: number, n: number): boolean {
  const to = f.nameA.u8;
  const from = f.dents.u8;
  for (let i = 0; i <= n; i++) to[i] = from[at + 19 + i] as number;
  return f.sys.statat(file.fd, f.nameA, f.stat) >= 0;
}

/** What the listing itself knows: no valid bits, but a qid and the type bits of mode. */
function bare(f: Folder, at: number, dev: number, w: Writer): void {
  const { dv } = f.dents;
  const kind = dv.getUint8(at + 18) << 12;
  f.paths.set(dev, dv.getUint32(at, true), dv.getUint32(at + 4, true));
  qid.set(qidType(kind), 0, f.paths.lo, f.paths.hi);
  w.u64halves(0, 0);
  w.qid(qid);
  w.u32(kind);
  for (let i = 0; i < 16; i++) w.u64halves(0, 0);
}

/**
 * Tlookup fid[4] name[s] → Rlookup, the body of Rgetattr
 *
 * Ninefold's own: what Twalk and Tgetattr would tell, without a fid. Nothing is opened and nothing is followed.
 */
export const lookup: Handler = (f, m, w) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  if (!fid.node.isDir) return -ENOTDIR;
  const ok = checkNewName(m.name, f.nameA);
  if (ok < 0) return ok;
  const fd = f.fdOf(fid);
  if (fd < 0) return fd;
  const r = f.sys.statat(fd, f.nameA, f.stat);
  if (r < 0) return r;
  if (f.options.noSymlinks && f.stat.isSymlink) return -ENOENT;
  putStat(f, w);
  return REPLIED;
};
