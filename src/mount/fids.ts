// SPDX-License-Identifier: MIT

import { EMFILE, ENFILE, ENOENT, ENOTDIR, ESTALE } from '../base/errno.ts';
import { S_IFDIR } from '../base/stat.ts';
import { MAXWELEM, QTDIR, type Reply, ROOT_FID, T } from '../p9-client/index.ts';
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
  private readonly holders: Node[] = [];
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
    return fid;
  }

  /** Gives up to `count` fids of idle nodes back to the server; they are found again by folder and name. Returns how many. */
  sweep(e: Engine, count: number): number {
    let given = 0;
    for (let steps = this.holders.length * 2; steps > 0 && given < count && this.holders.length > 0; steps--) {
      this.hand = (this.hand + 1) % this.holders.length;
      const node = this.holders[this.hand] as Node;
      // What has lost its name could not be found again.
      if (node.busy > 0 || node.parent === undefined) continue;
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

/** A fid that names the node: its own, or one through which it is open. -1 when there is none. */
export function fidOf(node: Node): number {
  if (node.fid >= 0) {
    node.used = true;
    return node.fid;
  }
  return node.handles !== undefined ? node.handles.fid : -1;
}

/** Goes on with `then` once `op.fid` names `node`: at once where there is a fid, else after the object was found again. */
export function withFid(e: Engine, op: Op, node: Node, then: Step): void {
  const fid = fidOf(node);
  if (fid >= 0) {
    op.fid = fid;
    then(e, op);
  } else findAgain(e, op, node, then);
}

/** As `withFid`, but only an unopened fid will do (walks, creates and unlinks below a folder start from one). */
export function withOwnFid(e: Engine, op: Op, node: Node, then: Step): void {
  if (node.fid >= 0) {
    node.used = true;
    op.fid = node.fid;
    then(e, op);
  } else findAgain(e, op, node, then);
}

/**
 * Walks from the nearest folder that has a fid down to the node, and takes what is there only if every step is the very object that was known: a file that
 * was replaced meanwhile is never mistaken for the old one (ESTALE, which makes the kernel look its name up anew).
 */
function findAgain(e: Engine, op: Op, node: Node, then: Step): void {
  const chain: Node[] = [];
  let from: Node | undefined = node;
  while (from !== undefined && from.fid < 0) {
    chain.push(from);
    from = from.parent;
  }
  if (from === undefined) {
    // Nameless, but open: a clone of the open fid is the object itself.
    if (node.handles !== undefined) return cloneOpen(e, op, node, then);
    return e.error(op, ESTALE);
  }
  chain.reverse();
  from.used = true;
  const steps = chain.slice(0, MAXWELEM);
  op.chain = steps;
  const target = steps[steps.length - 1] as Node;
  op.then = target === node ? then : (e2, op2) => withOwnFid(e2, op2, node, then);
  op.newFid = e.fids.take();
  e.stats.foundAgain++;
  e.req.walk(e.call(op, T.walk, onFound), from.fid, op.newFid, steps.map((n) => n.name));
}

function cloneOpen(e: Engine, op: Op, node: Node, then: Step): void {
  op.chain = [node];
  op.then = then;
  op.newFid = e.fids.take();
  e.req.clone(e.call(op, T.walk, onCloned), (node.handles as { fid: number }).fid, op.newFid);
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
  const target = steps[steps.length - 1] as Node;
  if (err !== 0) {
    e.fids.give(op.newFid);
    if ((err === EMFILE || err === ENFILE) && !op.retried && e.fids.sweep(e, SWEEP) > 0) {
      op.retried = true;
      return withOwnFid(e, op, target, op.then as Step);
    }
    return e.error(op, err === ENOENT || err === ENOTDIR ? ESTALE : err);
  }
  const count = r.dv.getUint16(r.pos, true);
  if (count !== steps.length) {
    // Fewer: the walk stopped on the way and the fid was not made.
    if (count < steps.length) {
      e.fids.give(op.newFid);
      return e.error(op, ESTALE);
    }
    return e.lie(op, 'walked further than it was asked to');
  }
  for (let i = 0; i < count; i++) {
    const p = r.pos + 2 + i * 13;
    const node = steps[i] as Node;
    const same =
      node.is(r.dv.getUint32(p + 5, true), r.dv.getUint32(p + 9, true)) &&
      ((r.dv.getUint8(p) & QTDIR) !== 0) === (node.kind === S_IFDIR);
    if (!same) {
      e.clunk(op.newFid);
      return e.error(op, ESTALE);
    }
  }
  arrived(e, op);
}

function arrived(e: Engine, op: Op): void {
  const steps = op.chain as Node[];
  const target = steps[steps.length - 1] as Node;
  const then = op.then as Step;
  op.chain = undefined;
  op.then = undefined;
  if (target.fid >= 0 || target.dead || op.done) e.clunk(op.newFid);
  else e.fids.attach(e, target, op.newFid);
  op.newFid = -1;
  if (op.done) return;
  if (target.fid < 0) return e.error(op, ESTALE);
  op.fid = target.fid;
  then(e, op);
}
