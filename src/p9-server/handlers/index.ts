// SPDX-License-Identifier: MIT

import type { Writer } from '../../p9/coder.ts';
import { T } from '../../p9/messages.ts';
import type { Msg } from '../../p9/msg.ts';
import type { Wire } from '../backend.ts';
import type { Folder } from '../folder.ts';
import { attach, auth, clunk } from './attach.ts';
import { getattr, statfs } from './attr.ts';
import { lcreate, mkdir, mknod, symlink } from './create.ts';
import { fsync, read, write } from './io.ts';
import { getlock, lock } from './lock.ts';
import { lopen } from './lopen.ts';
import { link, remove, rename, renameat, unlinkat } from './names.ts';
import { readdir } from './readdir.ts';
import { lookup, readdirplus } from './readdirplus.ts';
import { setattr } from './setattr.ts';
import { readlink, walk } from './walk.ts';
import { changes, unwatch, watch } from './watch.ts';
import { xattrcreate, xattrwalk } from './xattr.ts';

/**
 * Answers one request of a folder: writes the reply's body and returns REPLIED, -errno, or DEFERRED. The wire layout stands above each handler. Tversion and Tflush
 * are the connection's.
 */
export type Handler = (f: Folder, m: Msg, w: Writer, wire: Wire) => number;

export const HANDLERS: readonly (Handler | undefined)[] = table([
  [T.auth, auth],
  [T.attach, attach],
  [T.clunk, clunk],
  [T.walk, walk],
  [T.readlink, readlink],
  [T.getattr, getattr],
  [T.setattr, setattr],
  [T.statfs, statfs],
  [T.lopen, lopen],
  [T.lcreate, lcreate],
  [T.mkdir, mkdir],
  [T.mknod, mknod],
  [T.symlink, symlink],
  [T.read, read],
  [T.write, write],
  [T.fsync, fsync],
  [T.readdir, readdir],
  [T.readdirplus, readdirplus],
  [T.lookup, lookup],
  [T.watch, watch],
  [T.unwatch, unwatch],
  [T.changes, changes],
  [T.link, link],
  [T.rename, rename],
  [T.renameat, renameat],
  [T.unlinkat, unlinkat],
  [T.remove, remove],
  [T.xattrwalk, xattrwalk],
  [T.xattrcreate, xattrcreate],
  [T.lock, lock],
  [T.getlock, getlock],
]);

function table(rows: [number, Handler][]): (Handler | undefined)[] {
  const t: (Handler | undefined)[] = new Array(256).fill(undefined);
  for (const [type, handler] of rows) t[type] = handler;
  return t;
}
