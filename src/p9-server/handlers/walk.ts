// SPDX-License-Identifier: MIT

import { EBADF, EINVAL, ENAMETOOLONG, ENOENT, ENOTDIR } from '../../base/errno.ts';
import { O_CLOEXEC, O_NOFOLLOW, O_PATH, RESOLVE_NO_SYMLINKS } from '../../base/sys.ts';
import { MAXWELEM } from '../../p9/constants.ts';
import type { Msg } from '../../p9/msg.ts';
import { REPLIED } from '../backend.ts';
import { Fid } from '../fid.ts';
import type { Folder } from '../folder.ts';
import { checkName, NAME_DOTDOT, NAME_OK } from '../names.ts';
import type { Node } from '../node.ts';
import { qidOf } from '../qid.ts';
import type { Handler } from './index.ts';

/**
 * Twalk fid[4] newfid[4] nwname[2] nwname×name[s] → Rwalk nwqid[2] nwqid×qid[13]
 *
 * One O_PATH|O_NOFOLLOW step for each name, from the descriptor before: a symbolic link is an object like any other, and nothing lies below it. When the first name
 * fails, that is the error; when a later one does, the qids so far are the reply and newfid is not made.
 */
export const walk: Handler = (f, m, w) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  if (m.nwname > MAXWELEM) return -EINVAL;
  if (m.newfid !== m.fid) {
    const may = f.mayAdd(m.newfid);
    if (may < 0) return may;
  } else if (fid.open !== undefined) return -EINVAL;
  if (fid.xattr !== undefined) return -EBADF;

  if (m.nwname === 0) {
    w.u16(0);
    if (m.newfid === m.fid) return REPLIED;
    fid.node.refs++;
    f.fids.set(m.newfid, new Fid(fid.node, fid.user, fid.attach));
    return REPLIED;
  }

  const reached = steps(f, m, fid.node);
  if (reached < 0) return reached;
  w.u16(m.nwqid);
  for (let i = 0; i < m.nwqid; i++) w.qid(m.qids[i] as Msg['qid']);
  if (m.nwqid < m.nwname) {
    f.sys.close(reached);
    return REPLIED;
  }
  const node = f.adopt(reached);
  if (m.newfid === m.fid) {
    f.unref(fid.node);
    fid.node = node;
  } else {
    f.fids.set(m.newfid, new Fid(node, fid.user, fid.attach));
  }
  return REPLIED;
};

/** Walks as far as it goes; leaves the qids in `m` and the last object's stat in `f.stat`. Returns its descriptor, or the errno of the first name. */
function steps(f: Folder, m: Msg, from: Node): number {
  const room = f.pool.room();
  if (room < 0) return room;
  let fd = f.pool.fd(from);
  if (fd < 0) return fd;
  let isDir = from.isDir;
  m.nwqid = 0;
  for (let i = 0; i < m.nwname; i++) {
    if (i === m.nwname - 2 && isDir) {
      const last = lastTwo(f, fd, m, i);
      if (last >= 0) {
        if (i > 0) f.sys.close(fd);
        m.nwqid = m.nwname;
        return last;
      }
    }
    const name = m.names[i] as Msg['name'];
    const next = isDir ? step(f, fd, name) : -ENOTDIR;
    if (i > 0) {
      if (next < 0) {
        // The stat of the last good step was overwritten: nobody needs it, the walk ends here.
        return fd;
      }
      f.sys.close(fd);
    } else if (next < 0) return next;
    fd = next;
    isDir = f.stat.isDir;
    qidOf(f.stat, f.paths, m.qids[i] as Msg['qid']);
    m.nwqid = i + 1;
  }
  return fd;
}

/**
 * The two last names at once, three calls instead of five: returns the last object's descriptor. Negative: go step by step, whatever the reason; only the steps know what to answer.
 *
 * Between the two calls that look at the first name it may come to stand for something else. A link is not followed even so; of another folder the qid before it is what is told, and the last one's is its own.
 */
function lastTwo(f: Folder, dir: number, m: Msg, i: number): number {
  if (f.guard !== undefined || f.options.noSymlinks) return -EINVAL;
  const first = m.names[i] as Msg['name'];
  // The last one goes behind the first, where its check alone would put a NUL.
  if (checkName(m.names[i + 1] as Msg['name'], f.nameB) !== NAME_OK || checkName(first, f.nameA) !== NAME_OK)
    return -EINVAL;
  const { sys, stat } = f;
  if (sys.statat(dir, f.nameA, stat) < 0 || !stat.isDir) return -ENOTDIR;
  qidOf(stat, f.paths, m.qids[i] as Msg['qid']);
  join(f.nameA.u8, first.len, f.nameB.u8);
  const fd = sys.openat2(dir, f.nameA, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, WITHIN);
  if (fd < 0) return fd;
  const r = sys.stat(fd, stat);
  if (r < 0) sys.close(fd);
  else qidOf(stat, f.paths, m.qids[i + 1] as Msg['qid']);
  return r < 0 ? r : fd;
}

const WITHIN = RESOLVE_NO_SYMLINKS;

/** Puts a slash and the name `next`, up to its NUL, at `path[end]`. */
function join(path: Uint8Array, end: number, next: Uint8Array): void {
  path[end++] = 0x2f;
  let i = 0;
  do path[end++] = next[i] as number;
  while (next[i++] !== 0);
}

function step(f: Folder, dir: number, name: Msg['name']): number {
  const kind = checkName(name, f.nameA);
  if (kind < 0) return kind;
  const fd =
    kind === NAME_DOTDOT
      ? f.pool.openParent(dir)
      : f.sys.openat(dir, f.nameA, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  const r = f.sys.stat(fd, f.stat);
  if (r < 0 || (f.options.noSymlinks && f.stat.isSymlink)) {
    f.sys.close(fd);
    return r < 0 ? r : -ENOENT;
  }
  if (f.guard === undefined) return fd;
  const may = f.guard.reach(dir, kind === NAME_DOTDOT ? undefined : f.nameA, f.stat);
  if (may === 0) return fd;
  f.sys.close(fd);
  return may;
}

/** size[4] type[1] tag[2] n[2], before the target. */
const RREADLINK_HEAD = 9;

/** Treadlink fid[4] → Rreadlink target[s]. The target is text for the client; the server never follows it. */
export const readlink: Handler = (f, m, w) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  if (!fid.node.isSymlink) return -EINVAL;
  const fd = f.pool.fd(fid.node);
  if (fd < 0) return fd;
  const n = f.sys.readlinkFd(fd, f.scratch, 0, f.scratch.size);
  if (n < 0) return n;
  if (n > Math.min(4096, f.msize - RREADLINK_HEAD)) return -ENAMETOOLONG;
  m.name2.set(f.scratch.u8, 0, n);
  w.str(m.name2);
  return REPLIED;
};
