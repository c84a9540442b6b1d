// SPDX-License-Identifier: MIT

import { EBADF, ENOTDIR, EOPNOTSUPP } from '../../base/errno.ts';
import type { Handler } from './index.ts';

/**
 * Twatch fid[4] id[4] → Rwatch
 *
 * Ninefold's own: from now on Rchanges tells what changes in this folder, by whomever. The number is the client's. Who may not read the folder may not watch it; and where
 * symbolic links are hidden nothing is watched, because the changes would name them.
 */
export const watch: Handler = (f, m) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  if (!fid.node.isDir) return -ENOTDIR;
  if (f.options.noSymlinks) return -EOPNOTSUPP;
  const fd = f.fdOf(fid);
  return fd < 0 ? fd : f.watches.add(m.id, fd, f.scratch);
};

/** Tunwatch id[4] → Runwatch. ENOENT: it has ended by itself. */
export const unwatch: Handler = (f, m) => f.watches.remove(m.id);

/**
 * Tchanges → Rchanges count[4] data; a record is id[4] what[1] name[s]
 *
 * Answered when there is something to tell. A client keeps one under way for as long as it watches anything.
 */
export const changes: Handler = (f, _m, w, wire) => f.watches.ask(w, wire, f.msize);
