// SPDX-License-Identifier: MIT

import { EINVAL, ENOTTY } from '../../base/errno.ts';
import { O_NOFOLLOW, O_PATH } from '../../base/sys.ts';
import { PROXY_HEADER, PROXY_MAX } from '../../proxyfs/constants.ts';
import { putGeneration, putLstat, putStatfs, putString } from '../../proxyfs/replies.ts';
import type { Handler, Helper } from '../helper.ts';
import { RESOLVE } from '../place.ts';

/** lstat: path[s] */
export const lstat: Handler = (h, m) => {
  const found = h.a.find(m.path);
  if (found < 0) return found;
  const r = h.sys.statat(h.a.dir, h.a.name, h.stat);
  h.a.leave();
  return r < 0 ? r : putLstat(h.out, h.stat);
};

/** statfs: path[s]. A symlink is not followed: where a path is handed over whole it is ELOOP, else its own file system is told. */
export const statfs: Handler = (h, m) => {
  const found = h.a.find(m.path);
  if (found < 0) return found;
  const r = h.root.sealed ? statfsName(h) : statfsObject(h);
  h.a.leave();
  return r < 0 ? r : putStatfs(h.out, h.scratch);
};

function statfsName(h: Helper): number {
  const r = h.goTo(h.a.dir);
  return r < 0 ? r : h.sys.statfsName(h.a.name, h.scratch);
}

function statfsObject(h: Helper): number {
  const fd = h.sys.openat2(h.a.dir, h.a.name, O_PATH | O_NOFOLLOW, 0, RESOLVE);
  if (fd < 0) return fd;
  const r = h.sys.statfs(fd, h.scratch);
  h.sys.close(fd);
  return r;
}

/** readlink: path[s] size[4]. A target that does not fit with a closing NUL into size is cut, as the peer expects it. */
export const readlink: Handler = (h, m) => {
  if (m.size < 1 || m.size > PROXY_MAX) return -EINVAL;
  const found = h.a.find(m.path);
  if (found < 0) return found;
  const room = Math.min(m.size - 1, PROXY_MAX - 2);
  const r = h.sys.readlinkat(h.a.dir, h.a.name, h.out, PROXY_HEADER + 2, room);
  h.a.leave();
  return r < 0 ? r : putString(h.out, r);
};

/** In the kernel's handle of an object, behind its type: where the generation lies. */
const GENERATION_AT: Readonly<Record<number, { length: number; at: number }>> = {
  // FILEID_INO32_GEN: ino[4] generation[4] (ext2, ext3, ext4, XFS, reiserfs).
  1: { length: 12, at: 8 },
  // XFS with inode numbers of 64 bits: ino[8] generation[4].
  129: { length: 16, at: 12 },
  // FILEID_BTRFS_WITHOUT_PARENT: objectid[8] root[8] generation[4].
  77: { length: 24, at: 20 },
};

/**
 * getversion: path[s]. The inode's generation as FS_IOC_GETVERSION tells it, taken from the kernel's handle of the object, so that nothing has to
 * be opened. 0 on file systems that have none.
 */
export const getversion: Handler = (h, m) => {
  if (!h.generations) return putGeneration(h.out, 0);
  const found = h.a.find(m.path);
  if (found < 0) return found;
  const r = h.sys.handleAt(h.a.dir, h.a.name, h.scratch);
  h.a.leave();
  if (r < 0) return r;
  const { dv } = h.scratch;
  const layout = GENERATION_AT[dv.getUint32(0, true)];
  if (layout === undefined || r < layout.length) return -ENOTTY;
  return putGeneration(h.out, dv.getUint32(layout.at, true));
};
