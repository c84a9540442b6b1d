// SPDX-License-Identifier: MIT

import { EBADF, EIO, ENOENT, ESTALE } from '../../base/errno.ts';
import { S_IFDIR, S_ISGID, S_ISUID } from '../../base/stat.ts';
import {
  ATTR_OUT,
  FATTR_ATIME,
  FATTR_ATIME_NOW,
  FATTR_CTIME,
  FATTR_FH,
  FATTR_GID,
  FATTR_KILL_SUIDGID,
  FATTR_MODE,
  FATTR_MTIME,
  FATTR_MTIME_NOW,
  FATTR_SIZE,
  FATTR_UID,
  GETATTR_FH,
  IN_HEADER,
  OUT_HEADER,
  putAttrOut,
} from '../../fuse-abi/index.ts';
import {
  GETATTR_BASIC,
  type Reply,
  SETATTR_ATIME,
  SETATTR_ATIME_SET,
  SETATTR_CTIME,
  SETATTR_GID,
  SETATTR_MODE,
  SETATTR_MTIME,
  SETATTR_MTIME_SET,
  SETATTR_SIZE,
  SETATTR_UID,
  T,
} from '../../p9-client/index.ts';
import type { Engine } from '../engine.ts';
import { withFid, withOwnFid } from '../fids.ts';
import type { Node } from '../node.ts';
import type { Op } from '../op.ts';
import { changingObject } from '../prefetch.ts';
import { withOpenFid } from './open.ts';

const TARGET_MAX = 4095;

/** FUSE_GETATTR: flags u32, dummy, fh u64 → attr_out. */
export function getattr(e: Engine, op: Op): void {
  const { dv } = e.request;
  const node = op.node as Node;
  if ((dv.getUint32(IN_HEADER, true) & GETATTR_FH) !== 0) {
    const h = e.handles.get(dv.getUint32(IN_HEADER + 8, true), dv.getUint32(IN_HEADER + 12, true));
    if (h !== undefined && h.node === node && h.fid >= 0) {
      op.fid = h.fid;
      return ask(e, op);
    }
  }
  if (node.changedAt >= 0 && e.now - node.changedAt < 1000) node.asksAfterChange = true;
  const { fresh } = node;
  if (fresh !== undefined) {
    const left = e.policy.attrLeft(fresh.at, e.now);
    if (left > 0) {
      putAttrOut(e.out.dv, OUT_HEADER, left, fresh.attr);
      e.answer(op, ATTR_OUT);
      return;
    }
    node.fresh = undefined;
  }
  withFid(e, op, node, ask);
}

function ask(e: Engine, op: Op): void {
  e.req.getattr(e.call(op, T.getattr, onGetattr), op.fid, GETATTR_BASIC);
}

function onGetattr(e: Engine, op: Op, err: number, r: Reply): void {
  if (op.err !== 0) return e.error(op, op.err);
  const node = op.node as Node;
  const open = node.handles;
  if (err === ENOENT && open !== undefined && open.fid < 0 && node.kind === S_IFDIR && !op.retried) {
    // Others took its name away, and of an open from memory the server does not know.
    op.retried = true;
    return withOpenFid(e, op, open, ask);
  }
  if (err !== 0) return e.error(op, err);
  const { attrs } = e;
  if (!attrs.read(r.dv, r.pos)) return e.lie(op, 'described an object that cannot be');
  if (!attrs.isOf(node)) {
    // Another object answers to this fid: the kernel must never see an inode change its kind, and nobody shall come to it through this node again.
    e.nodes.retire(node);
    e.error(op, ESTALE);
    const fid = e.fids.detach(node);
    if (fid >= 0) e.clunk(fid);
    return e.nodes.displace(node);
  }
  node.fidByName = false;
  attrs.noteIn(node);
  putAttrOut(e.out.dv, OUT_HEADER, e.policy.attrMs, attrs.fuse);
  e.answer(op, ATTR_OUT);
}

/**
 * FUSE_SETATTR: valid@0 fh@8 size@16 lock_owner@24 atime@32 mtime@40 ctime@48 atimensec@56 mtimensec@60 ctimensec@64 mode@68 uid@76 gid@80 → attr_out.
 * Tsetattr, then Tgetattr for the answer.
 */
export function setattr(e: Engine, op: Op): void {
  const { dv } = e.request;
  const b = IN_HEADER;
  const valid = dv.getUint32(b, true);
  const node = op.node as Node;
  // The fields are needed after the object was found again, when the request's bytes are gone.
  op.data = e.request.u8.slice(b, b + 88);
  if ((valid & FATTR_FH) !== 0) {
    const h = e.handles.get(dv.getUint32(b + 8, true), dv.getUint32(b + 12, true));
    if (h === undefined || h.node !== node) return e.error(op, EBADF);
    if (h.fid < 0) return withOwnFid(e, op, node, apply);
    op.fid = h.fid;
    return apply(e, op);
  }
  withOwnFid(e, op, node, apply);
}

function apply(e: Engine, op: Op): void {
  const u8 = op.data as Uint8Array;
  const dv = new DataView(u8.buffer, u8.byteOffset, u8.byteLength);
  const node = op.node as Node;
  const valid = dv.getUint32(0, true);
  let mode = dv.getUint32(68, true) & 0o7777;
  let to = 0;
  changingObject(e, node);
  if ((valid & FATTR_MODE) !== 0) to |= SETATTR_MODE;
  if ((valid & FATTR_UID) !== 0) to |= SETATTR_UID;
  if ((valid & FATTR_GID) !== 0) to |= SETATTR_GID;
  if ((valid & FATTR_SIZE) !== 0) {
    to |= SETATTR_SIZE;
    e.policy.onWrite(node);
  }
  if ((valid & FATTR_ATIME) !== 0)
    to |= SETATTR_ATIME | ((valid & FATTR_ATIME_NOW) !== 0 ? 0 : SETATTR_ATIME_SET);
  if ((valid & FATTR_MTIME) !== 0)
    to |= SETATTR_MTIME | ((valid & FATTR_MTIME_NOW) !== 0 ? 0 : SETATTR_MTIME_SET);
  if ((valid & FATTR_CTIME) !== 0) to |= SETATTR_CTIME;
  if ((valid & FATTR_KILL_SUIDGID) !== 0 && (valid & FATTR_MODE) === 0 && killsOf(node.mode) !== node.mode) {
    to |= SETATTR_MODE;
    mode = killsOf(node.mode) & 0o7777;
  }
  e.req.setattr(
    e.call(op, T.setattr, onSetattr),
    op.fid,
    to,
    mode,
    dv.getUint32(76, true),
    dv.getUint32(80, true),
    dv.getUint32(16, true),
    dv.getUint32(20, true),
    dv.getUint32(32, true),
    dv.getUint32(36, true),
    dv.getUint32(56, true),
    dv.getUint32(40, true),
    dv.getUint32(44, true),
    dv.getUint32(60, true),
  );
  if (e.session.ordered) ask(e, op);
}

/** The mode that a write leaves: no set-user-id, and no set-group-id where the group may execute (setattr_should_drop_suidgid). Folders keep theirs. */
export function killsOf(mode: number): number {
  if ((mode & 0o170000) === S_IFDIR) return mode;
  let m = mode & ~S_ISUID;
  if ((mode & S_ISGID) !== 0 && (mode & 0o010) !== 0) m &= ~S_ISGID;
  return m;
}

function onSetattr(e: Engine, op: Op, err: number): void {
  changingObject(e, op.node as Node);
  if (err !== 0) {
    // In order, Rgetattr is still to come and tells the error.
    op.err = err;
    if (op.waiting === 0) e.error(op, err);
  } else if (!e.session.ordered) ask(e, op);
}

/** FUSE_READLINK: → the target without a NUL. */
export function readlink(e: Engine, op: Op): void {
  withFid(e, op, op.node as Node, (e2, op2) => {
    e2.req.readlink(e2.call(op2, T.readlink, onReadlink), op2.fid);
  });
}

function onReadlink(e: Engine, op: Op, err: number, r: Reply): void {
  if (err !== 0) return e.error(op, err);
  const n = r.dv.getUint16(r.pos, true);
  const at = r.pos + 2;
  if (n === 0 || n > TARGET_MAX) return e.lie(op, `gave a link target of ${n} bytes`);
  const nul = r.u8.indexOf(0, at);
  if (nul >= 0 && nul < at + n) return e.error(op, EIO);
  e.out.u8.set(r.u8.subarray(at, at + n), OUT_HEADER);
  e.answer(op, n);
}

/** FUSE_STATFS: → blocks bfree bavail files ffree u64, bsize@40 namelen@44 frsize@48, to 80. */
export function statfs(e: Engine, op: Op): void {
  withFid(e, op, op.node as Node, (e2, op2) => {
    e2.req.statfs(e2.call(op2, T.statfs, onStatfs), op2.fid);
  });
}

const STATFS_OUT = 80;

/** Rstatfs: type[4] bsize[4] blocks[8] bfree[8] bavail[8] files[8] ffree[8] fsid[8] namelen[4] */
function onStatfs(e: Engine, op: Op, err: number, r: Reply): void {
  if (err !== 0) return e.error(op, err);
  const { dv, u8 } = e.out;
  u8.fill(0, OUT_HEADER, OUT_HEADER + STATFS_OUT);
  u8.set(r.u8.subarray(r.pos + 8, r.pos + 48), OUT_HEADER);
  const bsize = r.dv.getUint32(r.pos + 4, true);
  const good = bsize >= 512 && bsize <= 1 << 26 ? bsize : 4096;
  dv.setUint32(OUT_HEADER + 40, good, true);
  dv.setUint32(OUT_HEADER + 44, Math.min(255, r.dv.getUint32(r.pos + 56, true)) || 255, true);
  dv.setUint32(OUT_HEADER + 48, good, true);
  e.answer(op, STATFS_OUT);
}
