// SPDX-License-Identifier: MIT

import { EBADF, EINVAL, EISDIR, ELOOP, ENOTDIR, ENXIO, EPERM } from '../../base/errno.ts';
import { S_IFDIR, S_IFLNK, S_IFREG } from '../../base/stat.ts';
import {
  O_ACCMODE,
  O_APPEND,
  O_DIRECTORY,
  O_DSYNC,
  O_NOATIME,
  O_RDONLY,
  O_RDWR,
  O_SYNC,
  O_TRUNC,
  O_WRONLY,
} from '../../base/sys.ts';
import { REPLIED } from '../backend.ts';
import type { Folder } from '../folder.ts';
import type { Node } from '../node.ts';
import { OpenFile } from '../open-file.ts';
import { qidOf } from '../qid.ts';
import type { Handler } from './index.ts';

/**
 * What of a client's flags reaches open(2); the rest is the client's own business (O_NONBLOCK, O_CLOEXEC, O_DIRECT, O_NOCTTY, …). O_SYNC and O_DSYNC are kept in another way
 * (`write`): the loop must not wait for a disk.
 */
const PASSED = O_ACCMODE | O_APPEND | O_TRUNC | O_NOATIME | O_DIRECTORY;
export const PASSED_TO_CREATE = O_ACCMODE | O_APPEND;

export const wantsWrite = (flags: number): boolean =>
  (flags & O_ACCMODE) === O_WRONLY || (flags & O_ACCMODE) === O_RDWR || (flags & O_TRUNC) !== 0;

/**
 * Tlopen fid[4] flags[4] → Rlopen qid[13] iounit[4]
 *
 * Only regular files and folders are opened, and what the object is was seen before: opening a fifo or a device can block or do things by itself (CVE-2023-2861).
 * iounit 0: use msize.
 */
export const lopen: Handler = (f, m, w) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  if (fid.open !== undefined || fid.xattr !== undefined) return -EINVAL;
  const refused = mayOpen(f, fid.node.kind, m.flags);
  if (refused < 0) return refused;
  const file = openNode(f, fid.node, m.flags);
  if (typeof file === 'number') return file;
  fid.open = file;
  const r = f.sys.stat(file.fd, f.stat);
  if (r < 0) {
    f.closeFile(file, fid);
    return r;
  }
  qidOf(f.stat, f.paths, m.qid);
  w.qid(m.qid);
  w.u32(0);
  return REPLIED;
};

/** 0 if an object of this kind may be opened with these flags, else -errno; before any side effect. */
export function mayOpen(f: Folder, kind: number, flags: number): number {
  // All is worked out before anything is decided: of an operation that a rehearsal has not come to, V8 knows nothing, and throws the code away when it is.
  const onlyDir = (flags & O_DIRECTORY) !== 0;
  const isLink = kind === S_IFLNK;
  const isFile = kind === S_IFREG;
  const writes = wantsWrite(flags);
  const mayChange = f.mayChange();
  if ((flags & O_ACCMODE) === O_ACCMODE) return -EINVAL;
  if (kind === S_IFDIR) return writes ? -EISDIR : 0;
  if (onlyDir) return -ENOTDIR;
  if (isLink) return -ELOOP;
  if (!isFile) return -ENXIO;
  return writes ? mayChange : 0;
}

/** Opens the object behind a node, `mayOpen` having said yes: the open file, or -errno. */
export function openNode(f: Folder, node: Node, flags: number): OpenFile | number {
  const room = f.pool.room();
  if (room < 0) return room;
  const path = f.pool.fd(node);
  if (path < 0) return path;
  let pass = flags & PASSED;
  let fd = f.sys.reopen(path, pass);
  if (fd === -EPERM && (pass & O_NOATIME) !== 0) {
    pass &= ~O_NOATIME;
    fd = f.sys.reopen(path, pass);
  }
  if (fd < 0) return fd;
  f.pool.count(1);
  return fileFor(fd, flags, node.isDir);
}

/** Wraps an open descriptor that the pool has counted. `flags`: the client's. */
export function fileFor(fd: number, flags: number, isDir: boolean): OpenFile {
  const access = flags & O_ACCMODE;
  const both = access === O_RDWR;
  return new OpenFile(fd, {
    canRead: both || access === O_RDONLY,
    canWrite: both || access === O_WRONLY,
    isDir,
    sync: (flags & O_SYNC) === O_SYNC ? 'all' : (flags & O_DSYNC) !== 0 ? 'data' : 'none',
  });
}
