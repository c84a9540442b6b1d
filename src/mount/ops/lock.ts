// SPDX-License-Identifier: MIT

import { EAGAIN, EBADF, EINVAL, ENOLCK, ESTALE } from '../../base/errno.ts';
import { O_ACCMODE, O_RDWR } from '../../base/sys.ts';
import { IN_HEADER, LK_FLOCK, OP, OUT_HEADER } from '../../fuse-abi/index.ts';
import {
  LOCK_BLOCKED,
  LOCK_RDLCK,
  LOCK_SUCCESS,
  LOCK_UNLCK,
  LOCK_WRLCK,
  type Reply,
  T,
} from '../../p9-client/index.ts';
import type { Engine } from '../engine.ts';
import type { Handle } from '../handle.ts';
import type { Node } from '../node.ts';
import type { Op } from '../op.ts';
import { handleOf } from './open.ts';

/** How a wait for a lock asks again: soon at first, then ever less often. Milliseconds. */
const FIRST_WAIT = 5;
const LONGEST_WAIT = 500;

/**
 * The POSIX locks of one owner (a process, as the kernel tells them apart) on one file. A server that locks per open file (ours: open-file-description
 * locks) keeps owners apart only if each has an open fid of its own, so each gets one; it goes with the owner's last close, and the locks with it.
 */
export interface OwnerLocks {
  readonly ownerLo: number;
  readonly ownerHi: number;
  /** What the server knows the owner by. */
  readonly procId: number;
  /** Open, read-write where that is allowed. */
  readonly fid: number;
  /** A flock(2), which ends with its open file; else a POSIX lock, which ends with any close by its owner. */
  readonly flock: boolean;
  /** The handles through which it locked: the end of one ends the locks, of whatever kind (open-file-description locks look like POSIX ones here). */
  readonly via: Handle[];
  /** Who locked last, and what: to name the one in the way (F_GETLK). */
  pid: number;
  start: bigint;
  /** Inclusive. */
  end: bigint;
  /** Messages on their way that name `fid`: until the last is answered the number must stay what it is. */
  underWay: number;
  /** It closed the file: its locks are gone, and whoever comes with its name begins anew. */
  dropped: boolean;
  next: OwnerLocks | undefined;
}

/** FUSE_SETLK, FUSE_SETLKW: fh@0 owner@8 start@16 end@24 type u32@32 pid u32@36 lk_flags u32@40. */
export function setlk(e: Engine, op: Op): void {
  if (!takeRequest(e, op)) return;
  const h = op.handle as Handle;
  if (op.mode === LOCK_UNLCK && ownerOf(h.node, op) === undefined) {
    e.answer(op);
    return;
  }
  withOwner(e, op, lock);
}

/** FUSE_GETLK: as SETLK → start end type pid. */
export function getlk(e: Engine, op: Op): void {
  if (!takeRequest(e, op)) return;
  withOwner(e, op, (e2, op2) => {
    const b = op2.data as Uint8Array;
    const dv = new DataView(b.buffer);
    const type = op2.mode;
    e2.req.getlock(
      e2.call(op2, T.getlock, onGetlock),
      op2.newFid,
      type,
      dv.getUint32(16, true),
      dv.getUint32(20, true),
      op2.offLo,
      op2.offHi,
      (op2.owner as OwnerLocks).procId,
      e2.clientName,
    );
  });
}

/** Reads the request: `mode` = type, `flags` = lk_flags, `offLo`/`offHi` = length (0 = to the end), `a` = pid, `data` = the struct. */
function takeRequest(e: Engine, op: Op): boolean {
  const h = handleOf(e, op);
  if (h === undefined) return false;
  op.handle = h;
  const b = e.request.u8.slice(IN_HEADER, IN_HEADER + 48);
  op.data = b;
  const dv = new DataView(b.buffer);
  const type = dv.getUint32(32, true);
  op.flags = dv.getUint32(40, true);
  op.a = dv.getUint32(36, true);
  if (type > LOCK_UNLCK) {
    e.error(op, EINVAL);
    return false;
  }
  // F_RDLCK 0, F_WRLCK 1, F_UNLCK 2: the same numbers in fcntl.h and in 9P.
  op.mode = type;
  const start = off(dv, 16);
  const endHi = dv.getUint32(28, true);
  // 2^63 − 1 is "to the end", which 9P calls a length of 0.
  const toEnd = endHi === 0x7fffffff && dv.getUint32(24, true) === 0xffffffff;
  const length = toEnd ? 0n : off(dv, 24) - start + 1n;
  op.offLo = Number(length & 0xffffffffn);
  op.offHi = Number(length >> 32n);
  op.size = FIRST_WAIT;
  return true;
}

function off(dv: DataView, at: number): bigint {
  return dv.getBigUint64(at, true);
}

function ownerOf(node: Node, op: Op): OwnerLocks | undefined {
  const dv = new DataView((op.data as Uint8Array).buffer);
  return findOwner(node, dv.getUint32(8, true), dv.getUint32(12, true), (op.flags & LK_FLOCK) !== 0);
}

function findOwner(node: Node, lo: number, hi: number, flock: boolean): OwnerLocks | undefined {
  for (let o = node.locks; o !== undefined; o = o.next) {
    if (o.ownerLo === lo && o.ownerHi === hi && o.flock === flock) return o;
  }
  return undefined;
}

/** Goes on with the owner's fid in `op.newFid`, opening one first where there is none. */
function withOwner(e: Engine, op: Op, then: (e: Engine, op: Op) => void): void {
  const h = op.handle as Handle;
  if (h.fid < 0) return e.error(op, EBADF);
  const owner = ownerOf(h.node, op);
  if (owner !== undefined) {
    join(op, owner);
    return then(e, op);
  }
  op.goOn = then;
  op.b = O_RDWR;
  open(e, op);
}

function join(op: Op, owner: OwnerLocks): void {
  owner.underWay++;
  op.owner = owner;
  op.newFid = owner.fid;
}

/** The operation's message has been answered: it does not need the owner's fid any more, or will ask for it anew. */
function leave(e: Engine, op: Op): void {
  const owner = op.owner as OwnerLocks;
  op.owner = undefined;
  op.newFid = -1;
  owner.underWay--;
  if (owner.dropped && owner.underWay === 0) e.clunk(owner.fid);
}

function open(e: Engine, op: Op): void {
  op.newFid = e.fids.take();
  op.fid = (op.handle as Handle).fid;
  e.req.clone(e.call(op, T.walk, onCloned), op.fid, op.newFid);
}

function onCloned(e: Engine, op: Op, err: number): void {
  if (err !== 0) {
    e.fids.give(op.newFid);
    return e.error(op, err);
  }
  e.req.lopen(e.call(op, T.lopen, onOpened), op.newFid, op.b);
}

function onOpened(e: Engine, op: Op, err: number): void {
  const h = op.handle as Handle;
  // Whoever asked was killed, and the handle may be closed: nobody would end this owner.
  if (op.done || h.fid < 0) {
    e.clunk(op.newFid);
    return e.error(op, EBADF);
  }
  if (err !== 0) {
    e.clunk(op.newFid);
    const mode = h.flags & O_ACCMODE;
    // The file may be only read: then read locks are all that its opener can ask for anyway.
    if (op.b === O_RDWR && mode !== O_RDWR) {
      op.b = mode;
      return open(e, op);
    }
    return e.error(op, err);
  }
  const dv = new DataView((op.data as Uint8Array).buffer);
  const lo = dv.getUint32(8, true);
  const hi = dv.getUint32(12, true);
  const flock = (op.flags & LK_FLOCK) !== 0;
  const other = findOwner(h.node, lo, hi, flock);
  if (other !== undefined) {
    // Two threads of one process came at the same time.
    e.clunk(op.newFid);
    join(op, other);
  } else {
    const owner: OwnerLocks = {
      ownerLo: lo,
      ownerHi: hi,
      procId: e.nextProcId++,
      fid: op.newFid,
      flock,
      via: [h],
      pid: 0,
      start: 0n,
      end: -1n,
      underWay: 0,
      dropped: false,
      next: h.node.locks,
    };
    h.node.locks = owner;
    join(op, owner);
  }
  const then = op.goOn;
  op.goOn = undefined;
  then?.(e, op);
}

function lock(e: Engine, op: Op): void {
  const dv = new DataView((op.data as Uint8Array).buffer);
  e.req.lock(
    e.call(op, T.lock, onLock),
    op.newFid,
    op.mode,
    0,
    dv.getUint32(16, true),
    dv.getUint32(20, true),
    op.offLo,
    op.offHi,
    (op.owner as OwnerLocks).procId,
    e.clientName,
  );
}

/** Rlock: status[1]. The server never waits; one that is to wait asks again. */
function onLock(e: Engine, op: Op, err: number, r: Reply): void {
  const owner = op.owner as OwnerLocks;
  if (err !== 0 && err !== EAGAIN) {
    leave(e, op);
    // The file is not open for that kind of lock: EBADF, as fcntl(2) says it.
    return e.error(op, err === ESTALE ? EBADF : err);
  }
  const status = err === EAGAIN ? LOCK_BLOCKED : r.dv.getUint8(r.pos);
  if (status === LOCK_SUCCESS) {
    if (op.done && op.mode !== LOCK_UNLCK && !owner.dropped) {
      // A signal ended the wait just as the lock was granted: the caller was told that it has none.
      op.mode = LOCK_UNLCK;
      return lock(e, op);
    }
    if (!op.done && !owner.dropped) noteHolder(op);
    leave(e, op);
    // What was granted went with the close of another thread; and this one has not had its turn yet.
    if (!op.done && owner.dropped && op.mode !== LOCK_UNLCK) withOwner(e, op, lock);
    else e.answer(op);
    return;
  }
  leave(e, op);
  if (status !== LOCK_BLOCKED) return e.error(op, ENOLCK);
  if (op.opcode !== OP.setlkw) return e.error(op, EAGAIN);
  if (op.done) return;
  op.held = true;
  setTimeout(() => {
    op.held = false;
    if (e.isEnded) return;
    if (op.done) e.release(op);
    else {
      withOwner(e, op, lock);
      e.settleTurn();
    }
  }, op.size);
  op.size = Math.min(op.size * 2, LONGEST_WAIT);
}

function noteHolder(op: Op): void {
  const owner = op.owner as OwnerLocks;
  if (op.mode === LOCK_UNLCK) return;
  const h = op.handle as Handle;
  if (!owner.via.includes(h)) owner.via.push(h);
  const dv = new DataView((op.data as Uint8Array).buffer);
  owner.pid = op.a;
  owner.start = off(dv, 16);
  owner.end = off(dv, 24);
}

/** The process that holds a lock which begins at `start`, when it is one of this mount's; 0 otherwise. */
function holderOf(node: Node, but: OwnerLocks, start: bigint): number {
  for (let o = node.locks; o !== undefined; o = o.next) {
    if (o !== but && o.start <= start && start <= o.end) return o.pid;
  }
  return 0;
}

/** Rgetlock: type[1] start[8] length[8] proc_id[4] client_id[s]. */
function onGetlock(e: Engine, op: Op, err: number, r: Reply): void {
  const owner = op.owner as OwnerLocks;
  leave(e, op);
  if (err !== 0) return e.error(op, err);
  const type = r.dv.getUint8(r.pos);
  const start = r.dv.getBigUint64(r.pos + 1, true);
  const length = r.dv.getBigUint64(r.pos + 9, true);
  const { dv } = e.out;
  const max = 0x7fffffffffffffffn;
  if (type !== LOCK_UNLCK && type !== LOCK_RDLCK && type !== LOCK_WRLCK)
    return e.lie(op, 'named an unknown kind of lock');
  if (start > max || length > max) return e.lie(op, 'named a lock past the end of any file');
  const end = length === 0n || start + length - 1n > max ? max : start + length - 1n;
  dv.setBigUint64(OUT_HEADER, start, true);
  dv.setBigUint64(OUT_HEADER + 8, end, true);
  dv.setUint32(OUT_HEADER + 16, type, true);
  // A process elsewhere has no number here.
  const pid = type === LOCK_UNLCK ? 0 : holderOf((op.handle as Handle).node, owner, start);
  dv.setUint32(OUT_HEADER + 20, pid, true);
  e.answer(op, 24);
}

/** Ends an owner that is out of its list. */
function drop(e: Engine, owner: OwnerLocks): void {
  owner.dropped = true;
  if (owner.underWay === 0) return e.clunk(owner.fid);
  // The fid is waited for, but those who want what it has locked shall not wait for that.
  if (!e.mayPrefetch()) return;
  e.req.lock(
    e.call(e.spare(), T.lock, onIgnored),
    owner.fid,
    LOCK_UNLCK,
    0,
    0,
    0,
    0,
    0,
    owner.procId,
    e.clientName,
  );
}

/** The clunk that follows ends what this one could not. */
function onIgnored(): void {}

/** The owner closed a descriptor of the file: all its POSIX locks on it go (fcntl(2)). */
export function dropOwner(e: Engine, node: Node, lo: number, hi: number): void {
  let before: OwnerLocks | undefined;
  for (let o = node.locks; o !== undefined; before = o, o = o.next) {
    if (o.ownerLo !== lo || o.ownerHi !== hi || o.flock) continue;
    if (before === undefined) node.locks = o.next;
    else before.next = o.next;
    drop(e, o);
    return;
  }
}

/** A handle was closed: the locks that were taken through it go; and when nobody has the file open any more, all that is left. */
export function dropWithHandle(e: Engine, h: Handle): void {
  const { node } = h;
  const last = node.handles === undefined;
  let before: OwnerLocks | undefined;
  for (let o = node.locks; o !== undefined; o = o.next) {
    if (!last && !o.via.includes(h)) {
      before = o;
      continue;
    }
    if (before === undefined) node.locks = o.next;
    else before.next = o.next;
    drop(e, o);
  }
}
