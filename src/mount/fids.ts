// SPDX-License-Identifier: MIT

import { EIO, EMFILE, ENFILE, ENOENT, ENOTDIR, ESTALE } from '../base/errno.ts';
import { objects } from '../base/objects.ts';
import { S_IFDIR } from '../base/stat.ts';
import { GETATTR_ALL, MAXWELEM, QTDIR, type Reply, ROOT_FID, T, walkable } from '../p9-client/index.ts';
import type { Engine } from './engine.ts';
import type { Node } from './node.ts';
import type { Op, Step } from './op.ts';

/** Fids given up at one time when the server has no more. */
const SWEEP = 256;

/** The numbers of fids, and which nodes hold one that could be given up. */
export class Fids {
  private next = ROOT_FID + 1;
  private readonly free: number[] = [];
  /** Nodes with an unopened fid, but for the root. */
  private readonly holders = objects<Node>();
  private hand = 0;
  private readonly maxIdle: number;

  /** `maxIdle`: how many looked-up objects may keep a fid of their own. */
  constructor(maxIdle: number) {
    this.maxIdle = maxIdle;
  }

  take(): number {
    return this.free.pop() ?? this.next++;
  }

  /** A number that the server does not know (any more). */
  give(fid: number): void {
    this.free.push(fid);
  }

  /** `node` now has `fid`. */
  attach(e: Engine, node: Node, fid: number): void {
    node.fid = fid;
    node.fidPlaced = node.placed;
    node.used = true;
    node.fidSlot = this.holders.length;
    this.holders.push(node);
    if (this.holders.length > this.maxIdle) this.sweep(e, SWEEP);
  }

  /** Takes the fid from a node; -1 when it has none. */
  detach(node: Node): number {
    const { fid, fidSlot } = node;
    if (fidSlot < 0) return -1;
    const last = this.holders.pop() as Node;
    if (last !== node) {
      this.holders[fidSlot] = last;
      last.fidSlot = fidSlot;
    }
    node.fidSlot = -1;
    node.fid = -1;
    node.fidPending = false;
    node.fidByName = false;
    return fid;
  }

  /** Gives up to `count` fids of idle nodes back to the server; they are found again by folder and name. Returns how many. */
  sweep(e: Engine, count: number): number {
    let given = 0;
    for (
      let steps = this.holders.length * 2;
      steps > 0 && given < count && this.holders.length > 0;
      steps--
    ) {
      this.hand = (this.hand + 1) % this.holders.length;
      const node = this.holders[this.hand] as Node;
      // What has lost its name could not be found again.
      if (node.busy > 0 || node.fidPending || node.parent === undefined) continue;
      if (node.used) {
        node.used = false;
        continue;
      }
      const fid = this.detach(node);
      if (fid >= 0) {
        e.clunk(fid);
        given++;
      }
    }
    return given;
  }
}

/**
 * Goes on with `then` once `op.fid` names `node`, by its own fid or one through which it is open. For questions only: where the server works in order, a walk that
 * finds the object again is sent together with them, and if it turns out that another object has the name, the answer is dropped (ESTALE).
 */
export function withFid(e: Engine, op: Op, node: Node, then: Step): void {
  const open = node.fid < 0 && node.handles !== undefined ? node.openFid : -1;
  if (open >= 0) {
    op.fid = open;
    then(e, op);
  } else withFolder(e, op, node, then);
}

/** As `withFid`, but only an unopened fid will do: walks start from one. */
export function withFolder(e: Engine, op: Op, node: Node, then: Step): void {
  if (node.fid < 0 && e.session.ordered && node.openFid < 0) findMeanwhile(e, node);
  if (node.fid >= 0) {
    node.used = true;
    op.fid = node.fid;
    then(e, op);
  } else findAgain(e, op, node, then);
}

/**
 * Whether what was reached when `node` stood at `placed` was reached by a name that is gone. The server's kernel tells whoever watches of a change under the name that the changed
 * file was opened by (inotify, fsnotify_parent): a change by this one would be told of where the file is not any more. Of a file of several names nobody believes what was told longer
 * than a second.
 */
export function byFormerName(e: Engine, node: Node, placed: number): boolean {
  return (
    placed !== node.placed &&
    node.nlink === 1 &&
    node.kind !== S_IFDIR &&
    node.parent !== undefined &&
    e.session.extended
  );
}

/** The same of the fid of a node for which only one operation is under way: another may be about to use it. */
export function fidIsFormer(e: Engine, node: Node): boolean {
  return node.fid >= 0 && node.busy <= 1 && byFormerName(e, node, node.fidPlaced);
}

/** As `withFolder`, for what changes something: goes on only when it is certain that the fid is the object's. */
export function withOwnFid(e: Engine, op: Op, node: Node, then: Step): void {
  if (node.fid >= 0 && !node.fidPending && !fidIsFormer(e, node)) {
    node.used = true;
    op.fid = node.fid;
    then(e, op);
  } else findAgain(e, op, node, then);
}

/** Sends a walk to `node` and gives it the fid before the answer is there. Leaves it without one where that cannot be done in one step. */
function findMeanwhile(e: Engine, node: Node): void {
  const chain = [node];
  let from = node.parent;
  while (from !== undefined && from.fid < 0) {
    if (chain.push(from) > MAXWELEM) return;
    from = from.parent;
  }
  if (from === undefined) return;
  chain.reverse();
  const names = chain.map((n) => n.name);
  if (walkable(names, e.session.msize) < names.length) return;
  from.used = true;
  const op = e.spare();
  op.chain = chain;
  op.newFid = e.fids.take();
  e.stats.foundAgain++;
  e.req.walk(e.call(op, T.walk, onFoundMeanwhile), from.fid, op.newFid, names);
  e.fids.attach(e, node, op.newFid);
  node.fidPending = true;
  node.fidByName = true;
}

function onFoundMeanwhile(e: Engine, op: Op, err: number, r: Reply): void {
  const chain = op.chain as Node[];
  const node = chain[chain.length - 1] as Node;
  const mine = node.fid === op.newFid;
  if (mine) node.fidPending = false;
  if (err === 0 && reaches(r, chain)) return;
  // A node that was dropped meanwhile has given its fid back itself.
  if (!mine) return;
  e.fids.detach(node);
  if (err === 0 && r.dv.getUint16(r.pos, true) >= chain.length) e.clunk(op.newFid);
  else e.fids.give(op.newFid);
  if (err === EMFILE || err === ENFILE) e.fids.sweep(e, SWEEP);
}

/** Whether a walk came to the very objects of `chain`. */
function reaches(r: Reply, chain: readonly Node[]): boolean {
  const count = r.dv.getUint16(r.pos, true);
  if (count !== chain.length) return false;
  for (let i = 0; i < count; i++) {
    const p = r.pos + 2 + i * 13;
    const node = chain[i] as Node;
    if (!node.is(r.dv.getUint32(p + 5, true), r.dv.getUint32(p + 9, true))) return false;
    if (((r.dv.getUint8(p) & QTDIR) !== 0) !== (node.kind === S_IFDIR)) return false;
  }
  return true;
}

/**
 * Walks from the nearest folder that has a fid down to the node, and takes what is there only if every step is the very object that was known: a file that
 * was replaced meanwhile is never mistaken for the old one (ESTALE, which makes the kernel look its name up anew).
 */
function findAgain(e: Engine, op: Op, node: Node, then: Step): void {
  // Open: a clone of the open fid is the object itself, whatever became of its name, which another client may have taken away.
  const open = node.openHandle;
  if (
    open !== undefined &&
    (e.session.ordered || node.parent === undefined) &&
    !byFormerName(e, node, open.placed)
  )
    return cloneOpen(e, op, node, then);
  const chain = [node];
  let from = node.parent;
  while (from !== undefined && (from.fid < 0 || from.fidPending)) {
    chain.push(from);
    from = from.parent;
  }
  if (from === undefined) return e.error(op, ESTALE);
  chain.reverse();
  from.used = true;
  const names = chain.map((n) => n.name);
  const most = walkable(names, e.session.msize);
  const steps = chain.slice(0, most);
  op.chain = steps;
  const target = steps[steps.length - 1] as Node;
  op.goOn = target === node ? then : (e2, op2) => withOwnFid(e2, op2, node, then);
  op.newFid = e.fids.take();
  e.stats.foundAgain++;
  op.err = 0;
  op.walked = false;
  op.early = false;
  e.req.walk(e.call(op, T.walk, onFound), from.fid, op.newFid, names.slice(0, most));
  if (e.session.ordered) e.req.getattr(e.call(op, T.getattr, onFoundAttr), op.newFid, GETATTR_ALL);
}

function cloneOpen(e: Engine, op: Op, node: Node, then: Step): void {
  op.chain = [node];
  op.goOn = then;
  op.newFid = e.fids.take();
  e.req.clone(e.call(op, T.walk, onCloned), node.openFid, op.newFid);
}

function onCloned(e: Engine, op: Op, err: number): void {
  if (err !== 0) {
    e.fids.give(op.newFid);
    return e.error(op, err);
  }
  arrived(e, op);
}

function onFound(e: Engine, op: Op, err: number, r: Reply): void {
  const steps = op.chain as Node[];
  op.newFidMade = err === 0 && r.dv.getUint16(r.pos, true) >= steps.length;
  if (err !== 0) op.err = err === ENOENT || err === ENOTDIR ? ESTALE : err;
  else if (!reaches(r, steps)) op.err = ESTALE;
  op.walked = true;
  if (op.early) {
    op.err = EIO;
    return notFound(e, op);
  }
  if (e.session.ordered) return;
  if (op.err !== 0) notFound(e, op);
  else e.req.getattr(e.call(op, T.getattr, onFoundAttr), op.newFid, GETATTR_ALL);
}

/** The birth time tells an object from another that was given its inode number. */
function onFoundAttr(e: Engine, op: Op, err: number, r: Reply): void {
  if (!op.walked) {
    // What the walk brings, or not, is tidied up when its reply comes.
    op.early = true;
    return e.lie(op, 'answered out of the order that it had promised');
  }
  const steps = op.chain as Node[];
  if (op.err === 0) {
    if (err !== 0) op.err = err;
    else if (!e.attrs.read(r.dv, r.pos) || !e.attrs.isOf(steps[steps.length - 1] as Node)) op.err = ESTALE;
  }
  if (op.err !== 0) notFound(e, op);
  else arrived(e, op);
}

function notFound(e: Engine, op: Op): void {
  const { err } = op;
  const steps = op.chain as Node[];
  const target = steps[steps.length - 1] as Node;
  op.err = 0;
  if (op.newFidMade) e.clunk(op.newFid);
  else e.fids.give(op.newFid);
  op.newFid = -1;
  if ((err === EMFILE || err === ENFILE) && !op.retried && !op.done && e.fids.sweep(e, SWEEP) > 0) {
    op.retried = true;
    return withOwnFid(e, op, target, op.goOn as Step);
  }
  // Nor does the name that it was last seen by lead to it: so it is what was reached by a former one.
  if (target.fid >= 0 && !target.fidPending) {
    target.fidPlaced = target.placed;
    return goOn(e, op, target);
  }
  if (err === ESTALE && target.openFid >= 0 && e.session.ordered && !op.done)
    return cloneOpen(e, op, target, op.goOn as Step);
  const { otherwise } = op;
  if (err !== ESTALE || otherwise === undefined || op.done) return e.error(op, err);
  op.chain = undefined;
  op.goOn = undefined;
  otherwise(e, op);
}

function arrived(e: Engine, op: Op): void {
  const steps = op.chain as Node[];
  const target = steps[steps.length - 1] as Node;
  const has = target.fid >= 0 && !target.fidPending && !fidIsFormer(e, target);
  if (has || target.dead || op.done) e.clunk(op.newFid);
  else {
    const former = e.fids.detach(target);
    if (former >= 0) e.clunk(former);
    // A folder on the way, which nobody works with, is not the one that makes room for its own fid.
    target.busy++;
    e.fids.attach(e, target, op.newFid);
    target.busy--;
  }
  op.newFid = -1;
  goOn(e, op, target);
}

function goOn(e: Engine, op: Op, target: Node): void {
  const then = op.goOn as Step;
  op.chain = undefined;
  op.goOn = undefined;
  if (op.done) return;
  if (target.fid < 0) return e.error(op, ESTALE);
  op.fid = target.fid;
  then(e, op);
}
