// SPDX-License-Identifier: MIT

import { EBADF, EINVAL, EISDIR, ENOSPC, EPERM } from '../../base/errno.ts';
import { S_ISGID, S_ISUID } from '../../base/stat.ts';
import { O_WRONLY, type Off, UTIME_NOW, UTIME_OMIT } from '../../base/sys.ts';
import {
  SETATTR_ATIME,
  SETATTR_ATIME_SET,
  SETATTR_CTIME,
  SETATTR_GID,
  SETATTR_MODE,
  SETATTR_MTIME,
  SETATTR_MTIME_SET,
  SETATTR_SIZE,
  SETATTR_UID,
} from '../../p9/constants.ts';
import type { Msg } from '../../p9/msg.ts';
import { REPLIED } from '../backend.ts';
import type { Fid } from '../fid.ts';
import type { Folder } from '../folder.ts';
import type { Handler } from './index.ts';

/** chown(2): "leave it". */
const KEEP = 0xffffffff;
const MAX_SIZE = 0x7fffffffffffffffn;

/** Permission bits that a client may give, without set-id bits where the share drops them. */
export function allowedMode(f: Folder, mode: number): number {
  return mode & 0o7777 & (f.options.noSetuid ? ~(S_ISUID | S_ISGID) : 0o7777);
}

/**
 * Tsetattr fid[4] valid[4] mode[4] uid[4] gid[4] size[8] atime_sec[8] atime_nsec[8] mtime_sec[8] mtime_nsec[8] → Rsetattr
 *
 * Owner first (it may clear set-id bits), then size (so may that), mode, times (each of the others would change them). Linux' client
 * puts into one message what truncate(2) and open(2) with O_TRUNC by a user who is not the owner do: size, mtime and ctime of now, and
 * the mode without set-id bits.
 */
export const setattr: Handler = (f, m) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  const may = f.mayChange();
  if (may < 0) return may;
  const valid = Number(m.mask);
  let fd = f.fdOf(fid);
  if (fd < 0) return fd;
  const a = m.attr;
  let r = 0;
  if ((valid & (SETATTR_UID | SETATTR_GID)) !== 0) {
    r = f.sys.chownFd(
      fd,
      (valid & SETATTR_UID) !== 0 ? a.uid : KEEP,
      (valid & SETATTR_GID) !== 0 ? a.gid : KEEP,
    );
    if (r < 0) return r;
  }
  const sized = (valid & SETATTR_SIZE) !== 0;
  if (sized) {
    r = setSize(f, fid, a.size);
    if (r < 0) return r;
  }
  if ((valid & SETATTR_MODE) !== 0) {
    r = setMode(f, fid, allowedMode(f, a.mode));
    if (r < 0) return r;
  }
  // Other descriptors were opened meanwhile, and may have taken this one's place.
  fd = f.fdOf(fid);
  if (fd < 0) return fd;
  // ftruncate(2) has set mtime and ctime to now, as anyone who may write can; utimensat(2) lets only the owner set one of the two.
  const times = sized && (valid & SETATTR_MTIME_SET) === 0 ? SETATTR_ATIME : SETATTR_ATIME | SETATTR_MTIME;
  if ((valid & times) !== 0) return setTimes(f, fd, valid, m);
  // ctime alone: chown(-1, -1), which every file system counts as a change of the inode.
  if (valid === SETATTR_CTIME) return f.sys.chownFd(fd, KEEP, KEEP);
  return REPLIED;
};

/**
 * chmod(2) is the owner's. What has the mode already is done: ftruncate(2) by someone else cleared its set-id bits. A client that keeps
 * data to write later says the mode without them before the first write, as the writer: file_remove_privs of Linux.
 */
function setMode(f: Folder, fid: Fid, mode: number): number {
  const fd = f.fdOf(fid);
  if (fd < 0) return fd;
  const r = f.sys.chmodFd(fd, mode);
  if (r !== -EPERM || f.sys.stat(fd, f.stat) < 0) return r;
  const before = f.stat.mode & 0o7777;
  if (before === mode) return 0;
  if (mode !== (before & ~(S_ISUID | S_ISGID)) && mode !== (before & ~S_ISUID)) return r;
  return clearSetId(f, fid, mode) ? 0 : r;
}

/** Has the kernel clear set-id bits for whoever may write: it does so in fallocate(2), which with KEEP_SIZE changes neither size nor content. */
function clearSetId(f: Folder, fid: Fid, mode: number): boolean {
  if (!fid.node.isFile) return false;
  const writable = writableOf(f, fid);
  if (writable < 0) return false;
  f.sys.fallocate(writable, FALLOC_FL_KEEP_SIZE, 0, 1);
  const r = f.sys.stat(writable, f.stat);
  if (writable !== fid.open?.fd) f.sys.close(writable);
  return r === 0 && (f.stat.mode & 0o7777) === mode;
}
const FALLOC_FL_KEEP_SIZE = 1;

function setTimes(f: Folder, fd: number, valid: number, m: Msg): number {
  const a = m.attr;
  const aNsec = nsec(valid, SETATTR_ATIME, SETATTR_ATIME_SET, a.atimeNsec);
  const mNsec = nsec(valid, SETATTR_MTIME, SETATTR_MTIME_SET, a.mtimeNsec);
  if (aNsec < 0 || mNsec < 0) return -EINVAL;
  return f.sys.utimensFd(
    fd,
    BigInt.asIntN(64, BigInt(a.atimeSec)),
    aNsec,
    BigInt.asIntN(64, BigInt(a.mtimeSec)),
    mNsec,
  );
}

/** The tv_nsec of utimensat(2) for one of the two times; -1 when a client's is out of range (its UTIME_NOW and UTIME_OMIT too: they have bits of their own). */
function nsec(valid: number, which: number, set: number, value: Off): number {
  if ((valid & which) === 0) return UTIME_OMIT;
  if ((valid & set) === 0) return UTIME_NOW;
  return value < 1_000_000_000 ? Number(value) : -1;
}

/** Through the open descriptor where it can write, so that a file that was unlinked or whose mode forbids it now still works, as ftruncate(2) does. */
function setSize(f: Folder, fid: Fid, size: Off): number {
  if (fid.node.isDir) return -EISDIR;
  if (!fid.node.isFile) return -EINVAL;
  if (size > MAX_SIZE) return -EINVAL;
  const writable = writableOf(f, fid);
  if (writable < 0) return writable;
  const r = mayGrow(f, writable, size) ? f.sys.ftruncate(writable, size) : -ENOSPC;
  if (writable !== fid.open?.fd) f.sys.close(writable);
  return r;
}

function mayGrow(f: Folder, fd: number, size: Off): boolean {
  if (f.options.keepFree === 0 || f.sys.stat(fd, f.stat) < 0) return true;
  return f.space.forGrowth(fd, Number(size) - f.stat.size);
}

/** A descriptor that can write: the fid's own, or a new one, which the caller closes. Or -errno. */
function writableOf(f: Folder, fid: Fid): number {
  if (fid.open?.canWrite === true) return fid.open.fd;
  const room = f.pool.room();
  if (room < 0) return room;
  const fd = f.fdOf(fid);
  return fd < 0 ? fd : f.sys.reopen(fd, O_WRONLY);
}
