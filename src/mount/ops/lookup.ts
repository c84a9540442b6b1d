// SPDX-License-Identifier: MIT

import { EIO, EMFILE, ENAMETOOLONG, ENFILE, ENOENT, ENOTDIR } from '../../base/errno.ts';
import { S_IFDIR } from '../../base/stat.ts';
import { ENTRY_OUT, IN_HEADER, OP, OUT_HEADER, putNegativeEntry } from '../../fuse-abi/index.ts';
import { EXT, GETATTR_BASIC, NAME_MAX, type Reply, T } from '../../p9-client/index.ts';
import type { Engine } from '../engine.ts';
import { withFolder } from '../fids.ts';
import type { Node } from '../node.ts';
import type { Op } from '../op.ts';
import { isDoubted, lookupFromCache, prefetch, rememberEmpty, waitsForFolder } from '../prefetch.ts';

/** FUSE_LOOKUP: name\0 → entry_out. Twalk of one name and Tgetattr of what it found; or Tlookup, which is both. */
export function lookup(e: Engine, op: Op): void {
  if (op.name.length > NAME_MAX) return e.error(op, ENAMETOOLONG);
  const dir = op.node as Node;
  if (dir.kind !== S_IFDIR) return e.error(op, ENOTDIR);
  if (isDoubted(e, dir, op.name) || !lookupFromCache(e, op, dir, lookup)) withFolder(e, op, dir, look);
}

function look(e: Engine, op: Op): void {
  if (e.session.extended && !isDoubted(e, op.node as Node, op.name)) {
    op.newFid = -1;
    if (op.prefetch && waitsForFolder(e, op, op.node as Node, lookup)) return;
    e.req.lookup(e.call(op, EXT.lookup, onLooked), op.fid, op.name);
    if (op.prefetch) {
      prefetch(e, op.node as Node, op.fid);
      e.recent.tried((op.node as Node).entries);
    }
    op.prefetch = false;
    return;
  }
  op.newFid = e.fids.take();
  op.newFidMade = false;
  e.req.walk1(e.call(op, T.walk, onWalked), op.fid, op.newFid, op.name);
  if (e.session.ordered) e.req.getattr(e.call(op, T.getattr, onAttr), op.newFid, GETATTR_BASIC);
}

/** Rlookup: the attributes of what has the name, which gets no fid for now. */
export function onLooked(e: Engine, op: Op, err: number, r: Reply): void {
  if (err !== 0) {
    if (op.err === 0) op.err = err;
  } else if (op.err === 0) {
    if (op.waiting > 0) e.lie(op, 'answered out of the order that it had promised');
    else if (e.attrs.read(r.dv, r.pos)) return finishEntry(e, op);
    else e.lie(op, 'described an object that cannot be');
    op.err = EIO;
  }
  settleEntry(e, op);
}

/** Rwalk of one name. */
export function onWalked(e: Engine, op: Op, err: number, r: Reply): void {
  if (err === 0 && r.dv.getUint16(r.pos, true) !== 1) {
    e.lie(op, 'answered a walk of one name with another number of steps');
    err = EIO;
  }
  if (err !== 0) {
    if (op.err === 0) op.err = err;
  } else op.newFidMade = true;
  if (e.session.ordered) return settleEntry(e, op);
  if (err !== 0) return settleEntry(e, op);
  e.req.getattr(e.call(op, T.getattr, onAttr), op.newFid, GETATTR_BASIC);
}

/** Rgetattr of what was found. */
export function onAttr(e: Engine, op: Op, err: number, r: Reply): void {
  if (err !== 0) {
    if (op.err === 0) op.err = err;
  } else if (op.err === 0) {
    if (op.waiting > 0) e.lie(op, 'answered out of the order that it had promised');
    else if (e.attrs.read(r.dv, r.pos)) return finishEntry(e, op);
    else e.lie(op, 'described an object that cannot be');
    op.err = EIO;
  }
  settleEntry(e, op);
}

/** A step of making an entry is over without one. After the last, the error is told and what was made on the way is given back. */
export function settleEntry(e: Engine, op: Op): void {
  if (op.waiting > 0 || op.err === 0) return;
  giveNewFid(e, op);
  const { err } = op;
  // What was to be made is neither looked for instead nor told to be missing.
  if (op.opcode !== OP.lookup) return e.error(op, err);
  if ((err === EMFILE || err === ENFILE) && !op.retried && e.fids.sweep(e, 256) > 0 && !op.done) {
    op.retried = true;
    op.err = 0;
    return look(e, op);
  }
  if (err === ENOENT && e.policy.negativeMs > 0 && !op.done) {
    putNegativeEntry(e.out.dv, OUT_HEADER, e.policy.negativeMs);
    e.answer(op, ENTRY_OUT);
    return;
  }
  e.error(op, err);
}

function giveNewFid(e: Engine, op: Op): void {
  if (op.newFid < 0) return;
  if (op.newFidMade) e.clunk(op.newFid);
  else e.fids.give(op.newFid);
  op.newFid = -1;
}

/** The last reply has come and `e.attrs` describes the object: its node, and the answer. */
function finishEntry(e: Engine, op: Op): void {
  const dir = op.node as Node;
  const { attrs } = e;
  if (op.done || (op.newFid >= 0 && !op.newFidMade)) return giveNewFid(e, op);
  if (
    attrs.pathLo === e.nodes.root.pathLo &&
    attrs.pathHi === e.nodes.root.pathHi &&
    attrs.kind === S_IFDIR
  ) {
    giveNewFid(e, op);
    return e.lie(op, 'showed the root of the share inside itself');
  }
  const node = internAt(e, dir, op.name);
  // Unless another has taken the place of what was made.
  if (op.opcode === OP.mkdir && node.is(op.a, op.b)) rememberEmpty(e, node);
  if (op.newFid >= 0) {
    if (node.fid < 0) e.fids.attach(e, node, op.newFid);
    else e.clunk(op.newFid);
    op.newFid = -1;
  }
  answerEntry(e, op, node);
}

/** The node that `e.attrs` describes, found as `name` in `dir`. */
export function internAt(e: Engine, dir: Node, name: string): Node {
  const { attrs } = e;
  const node = e.nodes.intern(attrs);
  e.nodes.place(node, dir, name);
  attrs.noteIn(node);
  return node;
}

/** Answers with the entry of `node` as `e.attrs` has it. */
export function answerEntry(e: Engine, op: Op, node: Node): void {
  e.putEntry(e.out.dv, OUT_HEADER, node);
  if (!e.answer(op, ENTRY_OUT)) {
    node.nlookup--;
    e.dropIfUnused(node);
  }
}

/** FUSE_FORGET: nlookup u64. Never answered. */
export function forget(e: Engine, op: Op): void {
  op.done = true;
  const h = e.header;
  forgetOne(e, h.nodeLo, h.nodeHi, e.request.dv.getUint32(IN_HEADER, true));
}

/** FUSE_BATCH_FORGET: count u32, dummy u32, count × { nodeid u64, nlookup u64 }. Never answered. */
export function batchForget(e: Engine, op: Op): void {
  op.done = true;
  const { dv } = e.request;
  const count = Math.min(dv.getUint32(IN_HEADER, true), Math.floor((e.header.end - IN_HEADER - 8) / 16));
  for (let i = 0, p = IN_HEADER + 8; i < count; i++, p += 16) {
    forgetOne(e, dv.getUint32(p, true), dv.getUint32(p + 4, true), dv.getUint32(p + 8, true));
  }
}

function forgetOne(e: Engine, idLo: number, idHi: number, times: number): void {
  const node = e.nodes.get(idLo, idHi);
  if (node === undefined || node === e.nodes.root) return;
  node.nlookup = Math.max(0, node.nlookup - times);
  if (node.nlookup === 0) e.dropIfUnused(node);
}
