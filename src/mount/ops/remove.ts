// SPDX-License-Identifier: MIT

import { EINVAL, ENAMETOOLONG, EOPNOTSUPP } from '../../base/errno.ts';
import { isSpecial, S_IFDIR } from '../../base/stat.ts';
import { AT_REMOVEDIR } from '../../base/sys.ts';
import { IN_HEADER, OP } from '../../fuse-abi/index.ts';
import { NAME_MAX, T } from '../../p9-client/index.ts';
import type { Engine } from '../engine.ts';
import { withOwnFid } from '../fids.ts';
import type { Node } from '../node.ts';
import type { Op } from '../op.ts';
import { askFresh, changing, changingObject, removed } from '../prefetch.ts';
import { withKnownOpen } from './open.ts';

/** FUSE_UNLINK: name\0. */
export function unlink(e: Engine, op: Op): void {
  const dir = op.node as Node;
  const child = e.nodes.child(dir, op.name);
  // A file of several names must stay findable when the one that we know goes, and a fifo may be open, which we are not told: it gets a fid first. If others gave the name to another object meanwhile,
  // it is that one's name which goes: the kernel was answered ESTALE before, looked again, and could lose once more.
  if (
    child !== undefined &&
    child.fid < 0 &&
    child.handles === undefined &&
    (child.nlink > 1 || isSpecial(child.kind))
  ) {
    op.node2 = child;
    child.busy++;
    op.otherwise = takeFrom;
    return withOwnFid(e, op, child, takeFrom);
  }
  takeFrom(e, op);
}

function takeFrom(e: Engine, op: Op): void {
  op.otherwise = undefined;
  withOwnFid(e, op, op.node as Node, take);
}

/** FUSE_RMDIR: name\0. */
export function rmdir(e: Engine, op: Op): void {
  const dir = op.node as Node;
  withKnownOpen(e, op, e.nodes.child(dir, op.name), (e2, op2) => withOwnFid(e2, op2, op2.node as Node, take));
}

function take(e: Engine, op: Op): void {
  changing(e, op.node as Node, op.name);
  if (e.noUnlinkat) return takeByFid(e, op);
  e.req.unlinkat(e.call(op, T.unlinkat, onTaken), op.fid, op.name, op.opcode === OP.rmdir ? AT_REMOVEDIR : 0);
  askFresh(e, op.node as Node);
}

function onTaken(e: Engine, op: Op, err: number): void {
  if (err === EOPNOTSUPP && !e.noUnlinkat) {
    e.noUnlinkat = true;
    op.fid = (op.node as Node).fid;
    return takeByFid(e, op);
  }
  if (err !== 0) return e.error(op, err);
  gone(e, op);
}

function gone(e: Engine, op: Op): void {
  const dir = op.node as Node;
  const child = e.nodes.child(dir, op.name);
  removed(dir, op.name);
  if (child !== undefined) {
    e.nodes.displace(child);
    changingObject(e, child);
    if (child.nlink > 0) child.nlink--;
  }
  e.answer(op);
}

/** For servers without Tunlinkat: a fid for the object, and Tremove, which takes the fid away whatever happens. */
function takeByFid(e: Engine, op: Op): void {
  op.newFid = e.fids.take();
  e.req.walk1(e.call(op, T.walk, onFoundToRemove), op.fid, op.newFid, op.name);
}

function onFoundToRemove(e: Engine, op: Op, err: number): void {
  if (err !== 0) {
    e.fids.give(op.newFid);
    return e.error(op, err);
  }
  e.req.remove(e.call(op, T.remove, onRemoved), op.newFid);
}

function onRemoved(e: Engine, op: Op, err: number): void {
  e.fids.give(op.newFid);
  if (err !== 0) e.error(op, err);
  else gone(e, op);
}

/** FUSE_RENAME2: newdir u64, flags u32, pad; old\0 new\0. Comes only with flags, none of which 9P2000.L can carry. */
export function rename2(e: Engine, op: Op): void {
  e.error(op, EINVAL);
}

/** FUSE_RENAME: newdir u64; old\0 new\0. */
export function rename(e: Engine, op: Op): void {
  if (op.name2.length > NAME_MAX) return e.error(op, ENAMETOOLONG);
  const { dv } = e.request;
  const to = e.second(op, dv.getUint32(IN_HEADER, true), dv.getUint32(IN_HEADER + 4, true));
  if (to === undefined) return;
  if (to.kind !== S_IFDIR) return e.error(op, EINVAL);
  withKnownOpen(e, op, e.nodes.child(to, op.name2), (e2, op2) =>
    withOwnFid(e2, op2, to, (e3, op3) => {
      op3.fid2 = op3.fid;
      withOwnFid(e3, op3, op3.node as Node, move);
    }),
  );
}

function move(e: Engine, op: Op): void {
  changing(e, op.node as Node, op.name);
  changing(e, op.node2 as Node, op.name2);
  if (e.noRenameat) return moveByFid(e, op);
  e.req.renameat(e.call(op, T.renameat, onMoved), op.fid, op.name, op.fid2, op.name2);
  askFresh(e, op.node as Node);
}

function onMoved(e: Engine, op: Op, err: number): void {
  if (err === EOPNOTSUPP && !e.noRenameat) {
    e.noRenameat = true;
    op.fid = (op.node as Node).fid;
    return moveByFid(e, op);
  }
  if (err !== 0) return e.error(op, err);
  moved(e, op);
}

function moved(e: Engine, op: Op): void {
  const { nodes } = e;
  const from = op.node as Node;
  const to = op.node2 as Node;
  const child = nodes.child(from, op.name);
  const replaced = nodes.child(to, op.name2);
  // Two names of one file: rename(2) does nothing then, and both stay.
  if (child === undefined || child !== replaced) {
    if (replaced !== undefined) {
      nodes.displace(replaced);
      changingObject(e, replaced);
      if (replaced.nlink > 0) replaced.nlink--;
    }
    if (child !== undefined) {
      nodes.rename(child, to, op.name2);
      changingObject(e, child);
    }
  }
  e.answer(op);
}

/** For servers without Trenameat: a fid for the object, and Trename. */
function moveByFid(e: Engine, op: Op): void {
  op.newFid = e.fids.take();
  e.req.walk1(e.call(op, T.walk, onFoundToMove), op.fid, op.newFid, op.name);
}

function onFoundToMove(e: Engine, op: Op, err: number): void {
  if (err !== 0) {
    e.fids.give(op.newFid);
    return e.error(op, err);
  }
  e.req.rename(e.call(op, T.rename, onRenamed), op.newFid, op.fid2, op.name2);
}

function onRenamed(e: Engine, op: Op, err: number): void {
  e.clunk(op.newFid);
  if (err !== 0) e.error(op, err);
  else moved(e, op);
}
