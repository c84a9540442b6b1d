// SPDX-License-Identifier: MIT

import { EBADF, ENOENT } from '../../base/errno.ts';
import {
  encodeDev,
  isSpecial,
  S_IFBLK,
  S_IFCHR,
  S_IFMT,
  STATX_BTIME,
  type StatBuf,
} from '../../base/stat.ts';
import type { Writer } from '../../p9/coder.ts';
import { GETATTR_BASIC, GETATTR_BTIME } from '../../p9/constants.ts';
import { Qid } from '../../p9/msg.ts';
import { REPLIED } from '../backend.ts';
import type { Fid } from '../fid.ts';
import type { Folder } from '../folder.ts';
import { qidOf } from '../qid.ts';
import type { Handler } from './index.ts';

const qid = new Qid();

/**
 * Tgetattr fid[4] request_mask[8] → Rgetattr valid[8] qid[13] mode[4] uid[4] gid[4] nlink[8] rdev[8] size[8] blksize[8] blocks[8]
 * atime[16] mtime[16] ctime[16] btime[16] gen[8] data_version[8]
 *
 * Everything that one statx gives is told, whatever was asked for. gen and data_version are not known and have no valid bit.
 */
export const getattr: Handler = (f, m, w) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  const fd = f.fdOf(fid);
  if (fd < 0) return fd;
  const r = f.sys.stat(fd, f.stat);
  if (r < 0) return r;
  if (f.stat.nlink === 0 && fid.open === undefined && !isSpecial(f.stat.mode)) {
    if (!openElsewhere(f, fid)) return -ENOENT;
    f.sys.stat(fd, f.stat);
  }
  putStat(f, w);
  return REPLIED;
};

/**
 * A client keeps a fid for each name it has seen and asks it whether the name still stands. An object without a name answers "no" (ENOENT), so that a
 * replaced file is noticed, unless someone on this connection has it open: then it is a file in use that was unlinked. A fifo or device may be in use without our knowing.
 */
function openElsewhere(f: Folder, fid: Fid): boolean {
  if (fid.node.file !== undefined) return true;
  const { inoLo, inoHi, devMajor, devMinor } = f.stat;
  for (const other of f.fids.values()) {
    if (other.open === undefined) continue;
    if (f.sys.stat(other.open.fd, f.stat) < 0) continue;
    const s = f.stat;
    if (s.inoLo === inoLo && s.inoHi === inoHi && s.devMajor === devMajor && s.devMinor === devMinor)
      return true;
  }
  return false;
}

/** The body of Rgetattr for what `f.stat` describes: 153 bytes. */
export function putStat(f: Folder, w: Writer): void {
  const s = f.stat;
  const born = (s.mask & STATX_BTIME) !== 0;
  qidOf(s, f.paths, qid);
  w.u64halves(born ? GETATTR_BASIC | GETATTR_BTIME : GETATTR_BASIC, 0);
  w.qid(qid);
  putAttr(w, s, born);
}

function putAttr(w: Writer, s: StatBuf, born: boolean): void {
  const kind = s.mode & S_IFMT;
  w.u32(s.mode);
  w.u32(s.uid);
  w.u32(s.gid);
  w.u64halves(s.nlink, 0);
  w.u64halves(kind === S_IFCHR || kind === S_IFBLK ? encodeDev(s.rdevMajor, s.rdevMinor) : 0, 0);
  w.u64halves(s.sizeLo, s.sizeHi);
  w.u64halves(s.blksize, 0);
  w.u64halves(s.blocksLo, s.blocksHi);
  w.u64halves(s.atimeSecLo, s.atimeSecHi);
  w.u64halves(s.atimeNsec, 0);
  w.u64halves(s.mtimeSecLo, s.mtimeSecHi);
  w.u64halves(s.mtimeNsec, 0);
  w.u64halves(s.ctimeSecLo, s.ctimeSecHi);
  w.u64halves(s.ctimeNsec, 0);
  w.u64halves(born ? s.btimeSecLo : 0, born ? s.btimeSecHi : 0);
  w.u64halves(born ? s.btimeNsec : 0, 0);
  w.u64halves(0, 0);
  w.u64halves(0, 0);
}

/**
 * Tstatfs fid[4] → Rstatfs type[4] bsize[4] blocks[8] bfree[8] bavail[8] files[8] ffree[8] fsid[8] namelen[4]
 *
 * `struct statfs` of 64-bit Linux (include/uapi/asm-generic/statfs.h): f_type@0 f_bsize@8 f_blocks@16 f_bfree@24 f_bavail@32 f_files@40 f_ffree@48
 * f_fsid@56 f_namelen@64.
 */
export const statfs: Handler = (f, m, w) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  const fd = f.fdOf(fid);
  if (fd < 0) return fd;
  const r = f.sys.statfs(fd, f.scratch);
  if (r < 0) return r;
  const { dv } = f.scratch;
  w.u32(V9FS_MAGIC);
  w.u32(dv.getUint32(8, true));
  for (let at = 16; at <= 56; at += 8) w.u64halves(dv.getUint32(at, true), dv.getUint32(at + 4, true));
  w.u32(Math.min(255, dv.getUint32(64, true)));
  return REPLIED;
};

/** include/uapi/linux/magic.h: what the client shows as f_type, whatever lies beneath. */
const V9FS_MAGIC = 0x01021997;
