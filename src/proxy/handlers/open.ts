// SPDX-License-Identifier: MIT

import { EEXIST, EINVAL, ELOOP, ENXIO, EPERM, EROFS } from '../../base/errno.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../base/stat.ts';
import {
  O_ACCMODE,
  O_APPEND,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_SYNC,
  O_TMPFILE,
  O_TRUNC,
} from '../../base/sys.ts';
import type { Handler, Helper } from '../helper.ts';
import { type Place, RESOLVE } from '../place.ts';

/** What of the peer's flags reaches open(2). */
const PASSED =
  O_ACCMODE |
  O_APPEND |
  O_TRUNC |
  O_DIRECTORY |
  O_SYNC |
  O_DSYNC |
  O_NOATIME |
  O_DIRECT |
  O_NONBLOCK |
  O_LARGEFILE;
/** Descriptors of these sorts could do what no request can: name a special file, or give a name to a file without one. */
const REFUSED = O_PATH | (O_TMPFILE & ~O_DIRECTORY);

const wantsWrite = (flags: number): boolean => (flags & O_ACCMODE) !== O_RDONLY || (flags & O_TRUNC) !== 0;

/** open: path[s] flags[4] → a descriptor. The last component is not followed either. */
export const open: Handler = (h, m) => {
  if ((m.flags & REFUSED) !== 0 || (m.flags & O_ACCMODE) === O_ACCMODE) return -EINVAL;
  if (h.options.readOnly && wantsWrite(m.flags)) return -EROFS;
  const flags = (m.flags & PASSED) | O_NOCTTY;
  const found = h.a.find(m.path);
  if (found < 0) return found;
  // With O_DIRECTORY the kernel itself opens nothing but a folder.
  const fd =
    (flags & O_DIRECTORY) !== 0
      ? h.sys.openat2(h.a.dir, h.a.name, flags | O_NOFOLLOW, 0, RESOLVE)
      : openKnown(h, h.a, flags);
  h.a.leave();
  return fd;
};

/** create: path[s] flags[4] mode[4] uid[4] gid[4] → a descriptor; made for that user. Without O_EXCL, what is there is opened. */
export const create: Handler = (h, m) => {
  if ((m.flags & (REFUSED | O_DIRECTORY)) !== 0 || (m.flags & O_ACCMODE) === O_ACCMODE) return -EINVAL;
  const flags = (m.flags & PASSED) | O_NOCTTY;
  const found = h.a.find(m.path);
  if (found < 0) return found;
  let fd = h.identity.enter(m.uid, m.gid);
  if (fd === 0) {
    fd = h.sys.openat2(h.a.dir, h.a.name, flags | O_CREAT | O_EXCL | O_NOFOLLOW, m.mode & 0o7777, RESOLVE);
    h.identity.leave();
  }
  if (fd === -EEXIST && (m.flags & O_EXCL) === 0) fd = openKnown(h, h.a, flags);
  h.a.leave();
  return fd;
};

/**
 * Looks at the object without opening it, and opens that very object only if it is a regular file or a folder: opening a fifo wakes or waits for
 * someone, opening a device does whatever the device does (CVE-2023-2861). Symlink: ELOOP, anything else: ENXIO.
 */
export function openKnown(h: Helper, at: Place, flags: number): number {
  const { sys } = h;
  const object = sys.openat2(at.dir, at.name, O_PATH | O_NOFOLLOW, 0, RESOLVE);
  if (object < 0) return object;
  let fd = sys.stat(object, h.stat);
  if (fd === 0) {
    const kind = h.stat.mode & S_IFMT;
    if (kind === S_IFREG || kind === S_IFDIR) fd = reopen(h, object, flags);
    else fd = kind === S_IFLNK ? -ELOOP : -ENXIO;
  }
  sys.close(object);
  return fd;
}

function reopen(h: Helper, object: number, flags: number): number {
  const fd = h.sys.reopenVia(h.procFd, object, flags);
  if (fd !== -EPERM || (flags & O_NOATIME) === 0) return fd;
  return h.sys.reopenVia(h.procFd, object, flags & ~O_NOATIME);
}
