// SPDX-License-Identifier: MIT

import { ENOTTY, EOPNOTSUPP } from '../../base/errno.ts';
import { OP, type OpName } from '../../fuse-abi/index.ts';
import type { Step } from '../op.ts';
import { getattr, readlink, setattr, statfs } from './attr.ts';
import { create, link, mkdir, mknod, symlink } from './create.ts';
import { destroy, init, interrupt } from './init.ts';
import { read, write } from './io.ts';
import { getlk, setlk } from './lock.ts';
import { batchForget, forget, lookup } from './lookup.ts';
import { flush, fsync, open, opendir, release } from './open.ts';
import { readdir } from './readdir.ts';
import { rename, rename2, rmdir, unlink } from './remove.ts';
import { getxattr, listxattr, removexattr, setxattr } from './xattr.ts';

/**
 * What is done for each request. What has no row is answered with ENOSYS, which the kernel remembers: ACCESS (it then asks nobody; with default_permissions it
 * judges itself), LSEEK (holes are not seen), COPY_FILE_RANGE (it copies itself), POLL, BMAP, IOCTL, SYNCFS, TMPFILE, STATX.
 */
const ROWS: Partial<Record<OpName, Step>> = {
  lookup,
  forget,
  batchForget,
  getattr,
  setattr,
  readlink,
  symlink,
  mknod,
  mkdir,
  unlink,
  rmdir,
  rename,
  rename2,
  link,
  open,
  create,
  read,
  write,
  flush,
  release,
  fsync,
  statfs,
  setxattr,
  getxattr,
  listxattr,
  removexattr,
  opendir,
  readdir,
  readdirplus: readdir,
  releasedir: release,
  fsyncdir: fsync,
  getlk,
  setlk,
  setlkw: setlk,
  init,
  interrupt,
  destroy,
  // ENOSYS would make glibc's posix_fallocate write zeros, which is what EOPNOTSUPP does too, and fallocate(1) say "not implemented".
  fallocate: (e, op) => e.error(op, EOPNOTSUPP),
  ioctl: (e, op) => e.error(op, ENOTTY),
};

export const HANDLERS: readonly (Step | undefined)[] = Array.from({ length: 64 }, (_, opcode) => {
  for (const [name, step] of Object.entries(ROWS)) if (OP[name as OpName] === opcode) return step;
  return undefined;
});

/** Whether a request is about a node; the others are about the mount, or carry numbers of nodes that may be gone. */
export function needsNode(opcode: number): boolean {
  return (
    opcode !== OP.init &&
    opcode !== OP.destroy &&
    opcode !== OP.interrupt &&
    opcode !== OP.forget &&
    opcode !== OP.batchForget
  );
}
