// SPDX-License-Identifier: MIT

import { EBADF, EINVAL, ENOENT, ENOSPC, ENOTDIR, EPERM, EXDEV } from '../../base/errno.ts';
import type { Mem, Span } from '../../base/mem.ts';
import { AT_REMOVEDIR } from '../../base/sys.ts';
import { REPLIED } from '../backend.ts';
import type { Fid } from '../fid.ts';
import type { Folder } from '../folder.ts';
import { checkNewName } from '../names.ts';
import type { Handler } from './index.ts';

/** For the pool, which asks only when some object's descriptor was reclaimed. */
function latin1(mem: Mem): () => string {
  return () => Buffer.from(mem.u8.buffer, mem.u8.byteOffset, mem.u8.indexOf(0)).toString('latin1');
}

/** A folder whose entries are about to change and a name in it, copied to `to`. 0 or -errno. */
function entry(f: Folder, dir: Fid | undefined, name: Span, to: Mem): number {
  if (dir === undefined) return -EBADF;
  const may = f.mayChange();
  if (may < 0) return may;
  return dir.node.isDir ? checkNewName(name, to) : -ENOTDIR;
}

/**
 * Tlink dfid[4] fid[4] name[s] → Rlink
 *
 * By descriptor: the object linked is the one that the fid names, a symbolic link itself included, whatever its name is by now. Not across attaches.
 */
export const link: Handler = (f, m) => {
  const target = f.fid(m.fid);
  const dir = f.fid(m.dfid);
  const ok = entry(f, dir, m.name, f.nameA);
  if (dir === undefined || ok < 0) return ok;
  if (target === undefined) return -EBADF;
  if (target.attach !== dir.attach) return -EXDEV;
  if (target.node.isDir) return -EPERM;
  const r = f.pool.fds(target.node, dir.node, f.pair);
  if (r < 0) return r;
  const free = f.mayChangeEntry(f.pair[1], f.nameA);
  if (free < 0) return free;
  return f.space.forEntry(f.pair[1]) ? f.sys.linkFd(f.pair[0], f.pair[1], f.nameA) : -ENOSPC;
};

/** Tunlinkat dirfid[4] name[s] flags[4] → Runlinkat. flags: 0 or AT_REMOVEDIR. */
export const unlinkat: Handler = (f, m) => {
  const dir = f.fid(m.fid);
  const ok = entry(f, dir, m.name, f.nameA);
  if (dir === undefined || ok < 0) return ok;
  if ((m.flags & ~AT_REMOVEDIR) !== 0) return -EINVAL;
  const fd = f.fdOf(dir);
  const free = fd < 0 ? fd : f.mayChangeEntry(fd, f.nameA);
  if (free < 0) return free;
  f.pool.beforeUnlink(fd, latin1(f.nameA));
  return f.sys.unlinkat(fd, f.nameA, m.flags);
};

/** Trenameat olddirfid[4] oldname[s] newdirfid[4] newname[s] → Rrenameat */
export const renameat: Handler = (f, m) => {
  const from = f.fid(m.fid);
  const to = f.fid(m.newdirfid);
  const okFrom = entry(f, from, m.name, f.nameA);
  if (from === undefined || okFrom < 0) return okFrom;
  const okTo = entry(f, to, m.name2, f.nameB);
  if (to === undefined || okTo < 0) return okTo;
  if (from.attach !== to.attach) return -EXDEV;
  const r = f.pool.fds(from.node, to.node, f.pair);
  if (r < 0) return r;
  return move(f, f.pair[0], f.nameA, f.pair[1], f.nameB);
};

function move(f: Folder, oldDir: number, oldName: Mem, newDir: number, newName: Mem): number {
  const free = f.mayChangeEntry(oldDir, oldName) || f.mayChangeEntry(newDir, newName);
  if (free < 0) return free;
  const moved = f.pool.beforeRename(oldDir, latin1(oldName), newDir, latin1(newName));
  const r = f.sys.renameat(oldDir, oldName, newDir, newName, 0);
  if (r >= 0) moved();
  return r;
}

/** Where the object of a fid lives, verified to be that object: its folder (a fresh descriptor, name in `f.nameA`) or -errno. */
function home(f: Folder, fid: Fid): number {
  const fd = f.fdOf(fid);
  if (fd < 0) return fd;
  const r = f.sys.stat(fd, f.stat);
  if (r < 0) return r;
  const { inoLo, inoHi, devMajor, devMinor } = f.stat;
  const dir = f.pool.locate(fd, f.nameA);
  if (dir < 0) return dir;
  const s = f.stat;
  const there = f.sys.statat(dir, f.nameA, s);
  if (
    there >= 0 &&
    s.inoLo === inoLo &&
    s.inoHi === inoHi &&
    s.devMajor === devMajor &&
    s.devMinor === devMinor
  )
    return dir;
  f.sys.close(dir);
  return there < 0 ? there : -ENOENT;
}

/** Trename fid[4] dfid[4] name[s] → Rrename. The older form, by fid: its present name is looked up first. */
export const rename: Handler = (f, m) => {
  const fid = f.fid(m.fid);
  const to = f.fid(m.dfid);
  const ok = entry(f, to, m.name, f.nameB);
  if (to === undefined || ok < 0) return ok;
  if (fid === undefined) return -EBADF;
  if (fid.attach !== to.attach) return -EXDEV;
  const room = f.pool.room();
  if (room < 0) return room;
  const oldDir = home(f, fid);
  if (oldDir < 0) return oldDir;
  const newDir = f.fdOf(to);
  const r = newDir < 0 ? newDir : move(f, oldDir, f.nameA, newDir, f.nameB);
  f.sys.close(oldDir);
  return r;
};

/** Tremove fid[4] → Rremove. The fid is gone whether or not the object is. */
export const remove: Handler = (f, m) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  const r = unlinkFid(f, fid);
  f.fids.delete(m.fid);
  f.release(fid);
  return r;
};

function unlinkFid(f: Folder, fid: Fid): number {
  const may = f.mayChange();
  if (may < 0) return may;
  if (fid.xattr !== undefined) return -EINVAL;
  const room = f.pool.room();
  if (room < 0) return room;
  const dir = home(f, fid);
  if (dir < 0) return dir;
  const free = f.mayChangeEntry(dir, f.nameA);
  if (free === 0) f.pool.beforeUnlink(dir, latin1(f.nameA));
  const r = free < 0 ? free : f.sys.unlinkat(dir, f.nameA, fid.node.isDir ? AT_REMOVEDIR : 0);
  f.sys.close(dir);
  return r < 0 ? r : REPLIED;
}
