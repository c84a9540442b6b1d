// SPDX-License-Identifier: MIT

import { EISDIR, ELOOP } from '../../base/errno.ts';
import { AT_REMOVEDIR, O_NOFOLLOW, O_PATH, O_WRONLY } from '../../base/sys.ts';
import type { Handler, Helper } from '../helper.ts';
import { type Place, RESOLVE } from '../place.ts';
import { openKnown } from './open.ts';

/** chmod: path[s] mode[4]. Of a symlink: ELOOP. */
export const chmod: Handler = (h, m) => {
  const found = h.a.find(m.path);
  if (found < 0) return found;
  const mode = m.mode & 0o7777;
  const r = h.root.sealed ? h.sys.chmodat(h.a.dir, h.a.name, mode) : chmodObject(h, h.a, mode);
  h.a.leave();
  return r;
};

/** By descriptor: by name the kernel would follow a symlink. */
function chmodObject(h: Helper, at: Place, mode: number): number {
  const { sys } = h;
  const object = sys.openat2(at.dir, at.name, O_PATH | O_NOFOLLOW, 0, RESOLVE);
  if (object < 0) return object;
  let r = sys.stat(object, h.stat);
  // Kernels before 6.6 change the mode of some symlinks when asked this way.
  if (r === 0) r = h.stat.isSymlink ? -ELOOP : sys.chmodVia(h.procFd, object, mode);
  sys.close(object);
  return r;
}

/** chown: path[s] uid[4] gid[4]; -1 leaves one. A symlink's own. */
export const chown: Handler = (h, m) => {
  const found = h.a.find(m.path);
  if (found < 0) return found;
  const r = h.sys.chownat(h.a.dir, h.a.name, m.uid, m.gid);
  h.a.leave();
  return r;
};

/** truncate: path[s] size[8]. Regular files only; the kernel opens nothing else either. */
export const truncate: Handler = (h, m) => {
  const found = h.a.find(m.path);
  if (found < 0) return found;
  const r = h.root.sealed ? truncateName(h, m.length) : truncateObject(h, m.length);
  h.a.leave();
  return r;
};

function truncateName(h: Helper, length: number | bigint): number {
  const r = h.goTo(h.a.dir);
  return r < 0 ? r : h.sys.truncate(h.a.name, length);
}

function truncateObject(h: Helper, length: number | bigint): number {
  const fd = openKnown(h, h.a, O_WRONLY);
  if (fd < 0) return fd;
  const r = h.sys.ftruncate(fd, length);
  h.sys.close(fd);
  return r;
}

/** utime: path[s] atime[8+8] mtime[8+8]; nanoseconds may be UTIME_NOW or UTIME_OMIT. A symlink's own. */
export const utime: Handler = (h, m) => {
  const found = h.a.find(m.path);
  if (found < 0) return found;
  const r = h.sys.utimensat(h.a.dir, h.a.name, m.atimeSec, m.atimeNsec, m.mtimeSec, m.mtimeNsec);
  h.a.leave();
  return r;
};

/** rename: old[s] new[s] */
export const rename: Handler = (h, m) => {
  let r = h.a.find(m.path);
  if (r < 0) return r;
  r = h.b.find(m.path2);
  if (r === 0) {
    r = h.sys.renameat(h.a.dir, h.a.name, h.b.dir, h.b.name, 0);
    h.b.leave();
  }
  h.a.leave();
  return r;
};

/** remove: path[s]. A name, or an empty folder, as remove(3). */
export const remove: Handler = (h, m) => {
  let r = h.a.find(m.path);
  if (r < 0) return r;
  r = h.sys.unlinkat(h.a.dir, h.a.name, 0);
  if (r === -EISDIR) r = h.sys.unlinkat(h.a.dir, h.a.name, AT_REMOVEDIR);
  h.a.leave();
  return r;
};
