// SPDX-License-Identifier: MIT

import { EBADF, ENOENT, EOPNOTSUPP } from '../../base/errno.ts';
import { NOFID } from '../../p9/constants.ts';
import { REPLIED } from '../backend.ts';
import { Fid } from '../fid.ts';
import { Node } from '../node.ts';
import { qidOf } from '../qid.ts';
import type { Handler } from './index.ts';
import { finishXattr } from './xattr.ts';

/** Tauth afid[4] uname[s] aname[s] n_uname[4]: who may connect was settled before this connection was made. */
export const auth: Handler = () => -EOPNOTSUPP;

/**
 * Tattach fid[4] afid[4] uname[s] aname[s] n_uname[4] → Rattach qid[13]
 *
 * aname is the share's root whatever it says: a connection serves one folder, chosen by who started it. A name that could be meant as another folder
 * is refused rather than answered with the wrong one; the one that the folder was asked for by (Qubes' clients send it) is the root too.
 */
export const attach: Handler = (f, m, w) => {
  if (m.afid !== NOFID) return -EBADF;
  const may = f.mayAdd(m.fid);
  if (may < 0) return may;
  const aname = m.name2.text();
  if (aname !== '' && aname !== '/' && aname !== f.options.aname) return -ENOENT;
  const user = f.identity.userFor(m.nuname, m.name.text());
  const as = f.identity.become(user);
  if (as < 0) return as;
  const room = f.pool.room();
  if (room < 0) return room;
  const r = f.sys.stat(f.rootFd, f.stat);
  if (r < 0) return r;
  const fd = f.sys.dup(f.rootFd);
  if (fd < 0) return fd;
  const node = new Node(f.stat.mode);
  f.pool.adopt(node, fd);
  f.fids.set(m.fid, new Fid(node, user, ++f.attaches));
  qidOf(f.stat, f.paths, m.qid);
  w.qid(m.qid);
  return REPLIED;
};

/** Tclunk fid[4] → Rclunk. The fid is gone whatever the reply; an attribute that was being written is set now, and its error is the reply's. */
export const clunk: Handler = (f, m) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  const r = fid.xattr !== undefined ? finishXattr(f, fid) : REPLIED;
  f.fids.delete(m.fid);
  f.release(fid);
  return r;
};
