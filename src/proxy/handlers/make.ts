// SPDX-License-Identifier: MIT

import { EPERM } from '../../base/errno.ts';
import { S_IFBLK, S_IFCHR, S_IFMT } from '../../base/stat.ts';
import { devMajor, devMinor } from '../../proxyfs/replies.ts';
import type { Handler } from '../helper.ts';
import { PATH_MAX, plainString } from '../paths.ts';

/** mknod: uid[4] gid[4] path[s] mode[4] rdev[8] */
export const mknod: Handler = (h, m) => {
  const kind = m.mode & S_IFMT;
  if ((kind === S_IFCHR || kind === S_IFBLK) && !h.options.devices) return -EPERM;
  let r = h.a.find(m.path);
  if (r < 0) return r;
  r = h.identity.enter(m.uid, m.gid);
  if (r === 0) {
    const major = devMajor(m.rdevLo, m.rdevHi);
    r = h.sys.mknodat(h.a.dir, h.a.name, m.mode & 0o177777, major, devMinor(m.rdevLo, m.rdevHi));
    h.identity.leave();
  }
  h.a.leave();
  return r;
};

/** mkdir: uid[4] gid[4] path[s] mode[4] */
export const mkdir: Handler = (h, m) => {
  let r = h.a.find(m.path);
  if (r < 0) return r;
  r = h.identity.enter(m.uid, m.gid);
  if (r === 0) {
    r = h.sys.mkdirat(h.a.dir, h.a.name, m.mode & 0o7777);
    h.identity.leave();
  }
  h.a.leave();
  return r;
};

/** symlink: uid[4] gid[4] target[s] path[s]. The target is text: nothing here ever follows it. */
export const symlink: Handler = (h, m) => {
  let r = plainString(m.path2, h.text, PATH_MAX - 1);
  if (r < 0) return r;
  r = h.a.find(m.path);
  if (r < 0) return r;
  r = h.identity.enter(m.uid, m.gid);
  if (r === 0) {
    r = h.sys.symlinkat(h.text, h.a.dir, h.a.name);
    h.identity.leave();
  }
  h.a.leave();
  return r;
};

/** link: old[s] new[s]. A symlink is linked itself. */
export const link: Handler = (h, m) => {
  let r = h.a.find(m.path);
  if (r < 0) return r;
  r = h.b.find(m.path2);
  if (r === 0) {
    r = h.sys.linkat(h.a.dir, h.a.name, h.b.dir, h.b.name);
    h.b.leave();
  }
  h.a.leave();
  return r;
};
