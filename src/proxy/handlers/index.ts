// SPDX-License-Identifier: MIT

import { type ProxyName, ROWS } from '../../proxyfs/messages.ts';
import type { Handler } from '../helper.ts';
import * as change from './change.ts';
import * as look from './look.ts';
import * as make from './make.ts';
import * as opens from './open.ts';
import * as xattr from './xattr.ts';

const BY_NAME: Readonly<Record<ProxyName, Handler>> = {
  open: opens.open,
  create: opens.create,
  mknod: make.mknod,
  mkdir: make.mkdir,
  symlink: make.symlink,
  link: make.link,
  lstat: look.lstat,
  readlink: look.readlink,
  statfs: look.statfs,
  chmod: change.chmod,
  chown: change.chown,
  truncate: change.truncate,
  utime: change.utime,
  rename: change.rename,
  remove: change.remove,
  lgetxattr: xattr.lgetxattr,
  llistxattr: xattr.llistxattr,
  lsetxattr: xattr.lsetxattr,
  lremovexattr: xattr.lremovexattr,
  getversion: look.getversion,
};

/** Handler of each number; the holes are the two types of a reply. */
export const HANDLERS: readonly (Handler | undefined)[] = handlers();

function handlers(): (Handler | undefined)[] {
  const all: (Handler | undefined)[] = [];
  for (const { type, name } of ROWS) all[type] = BY_NAME[name];
  return all;
}
