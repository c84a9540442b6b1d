// SPDX-License-Identifier: MIT

import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../base/stat.ts';
import {
  AT,
  GETATTR_BASIC,
  type OnReply,
  QTDIR,
  QTSYMLINK,
  type Reply,
  SETATTR_MODE,
  SETATTR_UID,
  T,
} from '../../p9-client/index.ts';
import type { Engine } from '../engine.ts';
import type { Op } from '../op.ts';
import { settleEntry } from './lookup.ts';

/**
 * What root makes for others on a server that acts as root is given to them (9P carries the group of a new object, not its owner). Only once it is certain to have been made: behind a
 * creation that fails, the same message would give the folder, or what somebody else has put under the name.
 */
export function givesAway(e: Engine, op: Op): boolean {
  return e.options.actsAsRoot && op.uid !== 0;
}

/**
 * Whether the server may open nothing that is there already in answer to a creation: the kernel has judged the folder and not the file, which it believed not to be there, and the server judges by
 * whom it acts as, who is not (or need not be) the caller. For the one user of a mount of their own the two are the same.
 */
export function mayOnlyMake(e: Engine, op: Op): boolean {
  return e.options.actsAsRoot || op.uid !== e.options.uid;
}

/** Gives what was just made, of which `fid` is, to the caller; what it looks like then goes to `then`. A server that is not root after all refuses, and it stays its own user's. */
export function giveAway(e: Engine, op: Op, fid: number, then: OnReply<Engine, Op>): void {
  const ask = (): void => e.req.getattr(e.call(op, T.getattr, then), fid, GETATTR_BASIC);
  // chown(2) takes set-id bits away: they are set again.
  const mode = op.mode & 0o7777;
  const valid = SETATTR_UID | ((mode & 0o6000) !== 0 ? SETATTR_MODE : 0);
  const { ordered } = e.session;
  e.req.setattr(e.call(op, T.setattr, ordered ? onGivenAway : ask), fid, valid, mode, op.uid, 0);
  if (ordered) ask();
}

function onGivenAway(e: Engine, op: Op): void {
  if (op.waiting === 0 && op.err !== 0) settleEntry(e, op);
}

/** Keeps the qid of Rmkdir, Rmknod or Rsymlink: op.a, op.b, op.size, op.size2. */
export function noteMade(op: Op, r: Reply): void {
  op.size2 = r.dv.getUint8(r.pos);
  op.size = r.dv.getUint32(r.pos + 1, true);
  op.a = r.dv.getUint32(r.pos + 5, true);
  op.b = r.dv.getUint32(r.pos + 9, true);
}

/**
 * Whether a walk of one name came to what was made, and to nothing that has taken its place since: of the kind that was asked for, unchanged. Of a regular file the version says nothing, it
 * is another each time while the file is that young: `isBare` judges it.
 */
export function isMade(op: Op, r: Reply): boolean {
  const qid = r.pos + 2;
  const type = r.dv.getUint8(qid);
  return (
    type === op.size2 &&
    (type & (QTDIR | QTSYMLINK)) === typeOf(op.mode) &&
    (isRegular(op) || r.dv.getUint32(qid + 1, true) === op.size) &&
    r.dv.getUint32(qid + 5, true) === op.a &&
    r.dv.getUint32(qid + 9, true) === op.b
  );
}

export const isRegular = (op: Op): boolean => (op.mode & S_IFMT) === S_IFREG;

/** Rgetattr: a regular file of root's with nothing in it and no other name. That one may be given away, whoever has made it. */
export function isBare({ dv, pos }: Reply): boolean {
  return (
    (dv.getUint32(pos + AT.mode, true) & S_IFMT) === S_IFREG &&
    dv.getUint32(pos + AT.uid, true) === 0 &&
    dv.getBigUint64(pos + AT.nlink, true) === 1n &&
    dv.getBigUint64(pos + AT.size, true) === 0n
  );
}

function typeOf(mode: number): number {
  const kind = mode & S_IFMT;
  return kind === S_IFDIR ? QTDIR : kind === S_IFLNK ? QTSYMLINK : 0;
}
