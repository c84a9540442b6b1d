// SPDX-License-Identifier: MIT

import { EBADF, EEXIST, EINVAL, ENAMETOOLONG, ENOENT, ENOSPC, ENOTDIR, EPERM } from '../../base/errno.ts';
import type { Span } from '../../base/mem.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from '../../base/stat.ts';
import { O_CLOEXEC, O_CREAT, O_EXCL, O_NOFOLLOW, O_PATH } from '../../base/sys.ts';
import type { Writer } from '../../p9/coder.ts';
import type { Msg } from '../../p9/msg.ts';
import { REPLIED } from '../backend.ts';
import type { Fid } from '../fid.ts';
import type { Folder } from '../folder.ts';
import { checkNewName } from '../names.ts';
import { Node } from '../node.ts';
import { qidOf } from '../qid.ts';
import type { Handler } from './index.ts';
import { fileFor, mayOpen, openNode, PASSED_TO_CREATE } from './lopen.ts';
import { allowedMode } from './setattr.ts';

const KEEP = 0xffffffff;

/** The folder in which something is about to be made under the name left in `f.nameA`: its descriptor, or -errno. */
function place(f: Folder, dfid: Fid | undefined, name: Span): number {
  if (dfid === undefined) return -EBADF;
  const may = f.mayChange();
  if (may < 0) return may;
  if (!dfid.node.isDir) return -ENOTDIR;
  const ok = checkNewName(name, f.nameA);
  if (ok < 0) return ok;
  const room = f.pool.room();
  if (room < 0) return room;
  const dir = f.fdOf(dfid);
  const free = dir < 0 ? dir : f.mayChangeEntry(dir, f.nameA);
  return free < 0 ? free : dir;
}

/** The group that the client asked for, when it is not what the file system gave. Leaves the final stat in `f.stat`. */
function giveGroup(f: Folder, fd: number, fid: Fid, gid: number): number {
  const r = f.sys.stat(fd, f.stat);
  if (r < 0) return r;
  if (f.stat.gid === gid || f.options.squash !== undefined || !f.identity.mayGiveTo(fid.user, gid)) return 0;
  // Run as a user, a group that is not ours is refused: the file stays with the one it has.
  if (f.sys.chownFd(fd, KEEP, gid) < 0) return 0;
  return f.sys.stat(fd, f.stat);
}

/**
 * Tlcreate fid[4] name[s] flags[4] mode[4] gid[4] → Rlcreate qid[13] iounit[4]
 *
 * The fid, which was the folder, becomes the open new file. A name that exists is opened instead unless O_EXCL, under the same rules as Tlopen.
 */
export const lcreate: Handler = (f, m, w) => {
  const fid = f.fid(m.fid);
  if (fid !== undefined && (fid.open !== undefined || fid.xattr !== undefined)) return -EINVAL;
  const dir = place(f, fid, m.name);
  if (fid === undefined || dir < 0) return dir;
  const flags = m.flags & PASSED_TO_CREATE;
  // What exists takes no space, and may be opened.
  const fd = f.space.forEntry(dir)
    ? f.sys.openat(dir, f.nameA, flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, allowedMode(f, m.mode))
    : f.sys.statat(dir, f.nameA, f.stat) < 0
      ? -ENOSPC
      : -EEXIST;
  if (fd === -EEXIST && (m.flags & O_EXCL) === 0) return openExisting(f, m, w, fid, dir);
  if (fd < 0) return fd;
  const r = giveGroup(f, fd, fid, m.gid);
  if (r < 0) {
    f.sys.close(fd);
    return r;
  }
  f.pool.count(1);
  const file = fileFor(fd, m.flags, false);
  const node = new Node(f.stat.mode);
  // The new file needs no second descriptor: its node lives on the open one.
  node.file = file;
  file.refs++;
  become(f, fid, node);
  fid.open = file;
  return opened(f, m, w);
};

function openExisting(f: Folder, m: Msg, w: Writer, fid: Fid, dir: number): number {
  const path = f.sys.openat(dir, f.nameA, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
  if (path < 0) return path;
  const r = f.sys.stat(path, f.stat);
  const kept = r < 0 || f.guard === undefined ? r : f.guard.reach(dir, f.nameA, f.stat);
  const refused = kept < 0 ? kept : mayOpen(f, f.stat.mode & S_IFMT, m.flags);
  if (refused < 0) {
    f.sys.close(path);
    return refused;
  }
  const node = f.adopt(path);
  const file = openNode(f, node, m.flags);
  if (typeof file === 'number') {
    f.unref(node);
    return file;
  }
  f.sys.stat(file.fd, f.stat);
  become(f, fid, node);
  fid.open = file;
  return opened(f, m, w);
}

function become(f: Folder, fid: Fid, node: Node): void {
  f.unref(fid.node);
  fid.node = node;
}

function opened(f: Folder, m: Msg, w: Writer): number {
  qidOf(f.stat, f.paths, m.qid);
  w.qid(m.qid);
  w.u32(0);
  return REPLIED;
}

/** Looks at what was just made under `f.nameA`, gives it its group and writes its qid. */
function made(f: Folder, m: Msg, w: Writer, dfid: Fid, dir: number): number {
  const fd = f.sys.openat(dir, f.nameA, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  const r = giveGroup(f, fd, dfid, m.gid);
  f.sys.close(fd);
  if (r < 0) return r;
  qidOf(f.stat, f.paths, m.qid);
  w.qid(m.qid);
  return REPLIED;
}

/** Tmkdir dfid[4] name[s] mode[4] gid[4] → Rmkdir qid[13] */
export const mkdir: Handler = (f, m, w) => {
  const dfid = f.fid(m.dfid);
  const dir = place(f, dfid, m.name);
  if (dfid === undefined || dir < 0) return dir;
  if (!f.space.forEntry(dir)) return -ENOSPC;
  const r = f.sys.mkdirat(dir, f.nameA, allowedMode(f, m.mode));
  return r < 0 ? r : made(f, m, w, dfid, dir);
};

/** Tmknod dfid[4] name[s] mode[4] major[4] minor[4] gid[4] → Rmknod qid[13]. Devices only where the share's options say so. */
export const mknod: Handler = (f, m, w) => {
  const kind = m.mode & S_IFMT;
  const dfid = f.fid(m.dfid);
  const dir = place(f, dfid, m.name);
  if (dfid === undefined || dir < 0) return dir;
  if (kind === S_IFCHR || kind === S_IFBLK) {
    if (!f.options.devices) return -EPERM;
  } else if (kind !== S_IFREG && kind !== S_IFIFO && kind !== S_IFSOCK && kind !== 0) return -EINVAL;
  if (!f.space.forEntry(dir)) return -ENOSPC;
  const r = f.sys.mknodat(dir, f.nameA, kind | allowedMode(f, m.mode), m.major, m.minor);
  return r < 0 ? r : made(f, m, w, dfid, dir);
};

/** Tsymlink dfid[4] name[s] target[s] gid[4] → Rsymlink qid[13]. The target is stored as it comes and never looked at again. */
export const symlink: Handler = (f, m, w) => {
  if (f.options.noSymlinks) return -EPERM;
  const dfid = f.fid(m.dfid);
  const dir = place(f, dfid, m.name);
  if (dfid === undefined || dir < 0) return dir;
  const { buf, off, len } = m.name2;
  if (len === 0) return -ENOENT;
  if (len > 4095) return -ENAMETOOLONG;
  if (buf.subarray(off, off + len).includes(0)) return -EINVAL;
  if (!f.space.forEntry(dir)) return -ENOSPC;
  m.name2.cstringInto(f.nameB);
  const r = f.sys.symlinkat(f.nameB, dir, f.nameA);
  return r < 0 ? r : made(f, m, w, dfid, dir);
};
