// SPDX-License-Identifier: MIT

import { EEXIST, EIO, ENAMETOOLONG, ESTALE } from '../../base/errno.ts';
import { decodeDev, S_IFDIR, S_IFLNK, S_ISGID } from '../../base/stat.ts';
import { O_CREAT, O_EXCL, O_TRUNC } from '../../base/sys.ts';
import {
  ENTRY_OUT,
  FOPEN_DIRECT_IO,
  IN_HEADER,
  OP,
  OPEN_OUT,
  OUT_HEADER,
  putOpenOut,
} from '../../fuse-abi/index.ts';
import { EXT, GETATTR_BASIC, NAME_MAX, type Reply, symlinkSize, T } from '../../p9-client/index.ts';
import type { Engine } from '../engine.ts';
import { withOwnFid } from '../fids.ts';
import type { Node } from '../node.ts';
import type { Op, Step } from '../op.ts';
import { sentFlags } from '../open-flags.ts';
import { askFresh, changing, changingObject, doubtName, isDoubted } from '../prefetch.ts';
import { giveAway, givesAway, isBare, isMade, isRegular, mayOnlyMake, noteMade } from './give.ts';
import { answerEntry, internAt, onAttr, onLooked, onWalked, settleEntry } from './lookup.ts';
import { closeHandle } from './open.ts';

/** The group of what is made in a folder: the folder's own when it has the set-group-id bit, else the caller's. */
function groupFor(op: Op): number {
  const dir = op.node as Node;
  return (dir.mode & S_ISGID) !== 0 ? dir.gid : op.gid;
}

/** Makes something with the message that `send` writes, then looks it up and answers with its entry. */
function make(e: Engine, op: Op, type: number, send: (e: Engine, op: Op, tag: number) => void): void {
  if (op.name.length > NAME_MAX) return e.error(op, ENAMETOOLONG);
  withOwnFid(e, op, op.node as Node, (e2, op2) => {
    op2.fid2 = op2.fid;
    changing(e2, op2.node as Node, op2.name);
    send(e2, op2, e2.call(op2, type, onMade));
    if (e2.session.ordered && !givesAway(e2, op2)) look(e2, op2);
    askFresh(e2, op2.node as Node);
  });
}

function look(e: Engine, op: Op): void {
  const gives = givesAway(e, op);
  // A folder that was just made is about to be worked in: it gets its fid now.
  if (e.session.extended && op.opcode !== OP.mkdir && !gives) {
    op.newFid = -1;
    e.req.lookup(e.call(op, EXT.lookup, onLooked), op.fid2, op.name);
    return;
  }
  op.newFid = e.fids.take();
  op.newFidMade = false;
  e.req.walk1(e.call(op, T.walk, gives ? onWalkedToGive : onWalked), op.fid2, op.newFid, op.name);
  if (e.session.ordered && !gives) e.req.getattr(e.call(op, T.getattr, onAttr), op.newFid, GETATTR_BASIC);
}

/** Rwalk to what is to be given away: unless it is the very object that was made, it is only looked at. */
function onWalkedToGive(e: Engine, op: Op, err: number, r: Reply): void {
  if (err === 0 && r.dv.getUint16(r.pos, true) !== 1) {
    e.lie(op, 'answered a walk of one name with another number of steps');
    err = EIO;
  }
  if (err !== 0) {
    op.err = err;
    return settleEntry(e, op);
  }
  op.newFidMade = true;
  const made = isMade(op, r);
  if (made && !isRegular(op)) return giveAway(e, op, op.newFid, onAttr);
  e.req.getattr(e.call(op, T.getattr, made ? onLookedToGive : onAttr), op.newFid, GETATTR_BASIC);
}

function onLookedToGive(e: Engine, op: Op, err: number, r: Reply): void {
  if (err === 0 && isBare(r)) giveAway(e, op, op.newFid, onAttr);
  else onAttr(e, op, err, r);
}

/** Rmkdir, Rmknod, Rsymlink: qid[13]. */
function onMade(e: Engine, op: Op, err: number, r: Reply): void {
  if (err !== 0) {
    op.err = err;
    return settleEntry(e, op);
  }
  noteMade(op, r);
  if (!e.session.ordered || givesAway(e, op)) look(e, op);
}

/** FUSE_MKDIR: mode u32, umask u32; name\0 → entry_out. */
export const mkdir: Step = (e, op) => {
  op.mode = (e.request.dv.getUint32(IN_HEADER, true) & 0o7777) | S_IFDIR;
  make(e, op, T.mkdir, (e2, op2, tag) => {
    e2.req.mkdir(tag, op2.fid, op2.name, op2.mode, groupFor(op2));
  });
};

/** FUSE_MKNOD: mode u32, rdev u32, umask u32, pad; name\0 → entry_out. */
export const mknod: Step = (e, op) => {
  op.mode = e.request.dv.getUint32(IN_HEADER, true);
  op.a = e.request.dv.getUint32(IN_HEADER + 4, true);
  make(e, op, T.mknod, (e2, op2, tag) => {
    const { major, minor } = decodeDev(op2.a);
    e2.req.mknod(tag, op2.fid, op2.name, op2.mode, major, minor, groupFor(op2));
  });
};

/** FUSE_SYMLINK: name\0 target\0 → entry_out. */
export const symlink: Step = (e, op) => {
  if (symlinkSize(op.name, op.name2) > e.session.msize) return e.error(op, ENAMETOOLONG);
  op.mode = S_IFLNK | 0o777;
  make(e, op, T.symlink, (e2, op2, tag) => {
    e2.req.symlink(tag, op2.fid, op2.name, op2.name2, groupFor(op2));
  });
};

/** FUSE_LINK: oldnodeid u64; newname\0 → entry_out of the same node. */
export const link: Step = (e, op) => {
  const { dv } = e.request;
  if (op.name.length > NAME_MAX) return e.error(op, ENAMETOOLONG);
  const old = e.second(op, dv.getUint32(IN_HEADER, true), dv.getUint32(IN_HEADER + 4, true));
  if (old === undefined) return;
  op.mode = 0;
  withOwnFid(e, op, old, (e2, op2) => {
    op2.a = op2.fid;
    withOwnFid(e2, op2, op2.node as Node, (e3, op3) => {
      op3.fid2 = op3.fid;
      changing(e3, op3.node as Node, op3.name);
      changingObject(e3, op3.node2 as Node);
      e3.req.link(e3.call(op3, T.link, onLinked), op3.fid2, op3.a, op3.name);
      if (e3.session.ordered) e3.req.getattr(e3.call(op3, T.getattr, onLinkAttr), op3.a, GETATTR_BASIC);
      askFresh(e3, op3.node as Node);
    });
  });
};

function onLinked(e: Engine, op: Op, err: number): void {
  if (err !== 0) {
    op.err = err;
    if (op.waiting === 0) e.error(op, err);
  } else if (!e.session.ordered) e.req.getattr(e.call(op, T.getattr, onLinkAttr), op.a, GETATTR_BASIC);
}

function onLinkAttr(e: Engine, op: Op, err: number, r: Reply): void {
  if (op.err !== 0 || err !== 0) return e.error(op, op.err || err);
  const old = op.node2 as Node;
  if (!e.attrs.read(r.dv, r.pos)) return e.lie(op, 'described an object that cannot be');
  if (!e.attrs.isOf(old)) return e.error(op, ESTALE);
  if (op.done) return;
  e.nodes.place(old, op.node as Node, op.name);
  e.attrs.noteIn(old);
  answerEntry(e, op, old);
}

/** FUSE_CREATE: flags u32, mode u32, umask u32, open_flags u32; name\0 → entry_out, open_out. Comes for a name that was just found not to be there. */
export const create: Step = (e, op) => {
  const { dv } = e.request;
  if (op.name.length > NAME_MAX) return e.error(op, ENAMETOOLONG);
  op.flags = dv.getUint32(IN_HEADER, true);
  op.mode = dv.getUint32(IN_HEADER + 4, true);
  op.size = 0;
  withOwnFid(e, op, op.node as Node, (e2, op2) => {
    op2.fid2 = op2.fid;
    op2.newFid = e2.fids.take();
    op2.newFidMade = false;
    changing(e2, op2.node as Node, op2.name);
    e2.req.clone(e2.call(op2, T.walk, onCloned), op2.fid2, op2.newFid);
    if (e2.session.ordered) lcreate(e2, op2);
    askFresh(e2, op2.node as Node);
  });
};

function onCloned(e: Engine, op: Op, err: number): void {
  if (err === 0) op.newFidMade = true;
  else op.err = err;
  if (op.err !== 0) settleEntry(e, op);
  else if (!e.session.ordered) lcreate(e, op);
}

function lcreate(e: Engine, op: Op): void {
  const excl = mayOnlyMake(e, op) ? O_EXCL : op.flags & O_EXCL;
  const flags = sentFlags(op.flags) | O_CREAT | excl;
  e.req.lcreate(e.call(op, T.lcreate, onCreated), op.newFid, op.name, flags, op.mode & 0o7777, groupFor(op));
  // A Tlcreate that fails leaves the fid the folder's: nothing that changes anything goes by it before the answer is there.
  if (e.session.ordered && !givesAway(e, op))
    e.req.getattr(e.call(op, T.getattr, onCreatedAttr), op.newFid, GETATTR_BASIC);
}

/** Rlcreate (or, of an existing file, Rlopen): qid[13] iounit[4]. */
function onCreated(e: Engine, op: Op, err: number, r: Reply): void {
  if (err !== 0 && op.err === 0) op.err = err;
  if (err === 0) {
    op.a = r.dv.getUint32(r.pos + 13, true);
    op.b = r.dv.getUint32(r.pos + 1, true);
  }
  const gives = givesAway(e, op);
  if (gives && op.err === 0 && !op.newFidMade) {
    e.lie(op, 'answered out of the order that it had promised');
    op.err = EIO;
  }
  if (op.err !== 0) {
    if (op.waiting === 0) createFailed(e, op);
  } else if (gives) giveAway(e, op, op.newFid, onCreatedAttr);
  else if (!e.session.ordered) e.req.getattr(e.call(op, T.getattr, onCreatedAttr), op.newFid, GETATTR_BASIC);
}

/** Another client was faster: without O_EXCL the file that is there now is opened. */
function createFailed(e: Engine, op: Op): void {
  if (op.err !== EEXIST || (op.flags & O_EXCL) !== 0 || op.retried || op.done) return settleEntry(e, op);
  if (mayOnlyMake(e, op)) return leaveToKernel(e, op);
  op.retried = true;
  op.err = 0;
  if (op.newFidMade) e.clunk(op.newFid);
  else e.fids.give(op.newFid);
  op.newFid = e.fids.take();
  op.newFidMade = false;
  e.req.walk1(e.call(op, T.walk, onFoundExisting), op.fid2, op.newFid, op.name);
}

/** How often a name is tried that came and went and came again while one open(2) was at it. */
const TRIES = 64;

/**
 * At ESTALE open(2) begins anew (do_filp_open, fs/namei.c): it looks the name up, judges by what it finds, and opens that. It does so once, so whoever loses twice, to clients that make and
 * remove the name all the time, tries to make it until it is free.
 */
function leaveToKernel(e: Engine, op: Op): void {
  const dir = op.node as Node;
  if (isDoubted(e, dir, op.name) && op.size < TRIES) {
    op.size++;
    op.err = 0;
    return lcreate(e, op);
  }
  op.err = ESTALE;
  settleEntry(e, op);
  doubtName(dir, op.name, e.now);
}

function onFoundExisting(e: Engine, op: Op, err: number): void {
  if (err !== 0) {
    op.err = err;
    return settleEntry(e, op);
  }
  op.newFidMade = true;
  e.req.lopen(e.call(op, T.lopen, onOpenedExisting), op.newFid, sentFlags(op.flags));
}

function onOpenedExisting(e: Engine, op: Op, err: number, r: Reply): void {
  if (err !== 0) {
    op.err = err;
    return settleEntry(e, op);
  }
  op.a = r.dv.getUint32(r.pos + 13, true);
  op.b = r.dv.getUint32(r.pos + 1, true);
  e.req.getattr(e.call(op, T.getattr, onCreatedAttr), op.newFid, GETATTR_BASIC);
}

function onCreatedAttr(e: Engine, op: Op, err: number, r: Reply): void {
  if (err !== 0 && op.err === 0) op.err = err;
  if (op.err === 0 && (op.waiting > 0 || !op.newFidMade)) {
    e.lie(op, 'answered out of the order that it had promised');
    op.err = EIO;
  }
  if (op.err === 0 && !e.attrs.read(r.dv, r.pos)) {
    e.lie(op, 'described an object that cannot be');
    op.err = EIO;
  }
  if (op.err !== 0) {
    if (op.waiting === 0) createFailed(e, op);
    return;
  }
  if (op.done) return e.clunk(op.newFid);
  finishCreate(e, op);
}

function finishCreate(e: Engine, op: Op): void {
  const node = internAt(e, op.node as Node, op.name);
  const h = e.handles.open(node, op.newFid, op.flags);
  h.iounit = op.a;
  op.newFid = -1;
  const { dv } = e.out;
  e.putEntry(dv, OUT_HEADER, node);
  if ((op.flags & O_TRUNC) !== 0) {
    e.policy.onWrite(node);
    changingObject(e, node);
  }
  const openFlags = e.policy.onOpen(node, op.b, op.flags);
  h.direct = (openFlags & FOPEN_DIRECT_IO) !== 0;
  putOpenOut(dv, OUT_HEADER + ENTRY_OUT, h.id, openFlags);
  if (!e.answer(op, ENTRY_OUT + OPEN_OUT)) {
    node.nlookup--;
    closeHandle(e, h);
  }
}
