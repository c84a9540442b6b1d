// SPDX-License-Identifier: MIT

import { EBADF, EBUSY, EINVAL, EIO } from '../../base/errno.ts';
import { printable } from '../../base/error.ts';
import { S_IFDIR } from '../../base/stat.ts';
import {
  direntPlusSize,
  direntSize,
  ENTRY_OUT,
  IN_HEADER,
  OP,
  OUT_HEADER,
  putDirent,
  UNKNOWN_INO,
} from '../../fuse-abi/index.ts';
import {
  Dirent,
  EOF_QUIET,
  EXT,
  GETATTR_BODY,
  ioUnit,
  type Reply,
  readDirent,
  T,
} from '../../p9-client/index.ts';
import type { Engine } from '../engine.ts';
import type { Listing } from '../listing.ts';
import { judgeName, NAME_BAD, NAME_GOOD } from '../names.ts';
import type { Node } from '../node.ts';
import type { Op } from '../op.ts';
import { entryEnd, NAME_AT } from '../plus-entries.ts';
import { linksMayDiffer, rememberListing, tellsOfItself } from '../prefetch.ts';
import { internAt } from './lookup.ts';
import { handleOf, withOpenFid } from './open.ts';

/** Bytes of entries asked for at a time. */
const BATCH = 64 * 1024;
/** So many batches in a row without one good name, and the folder is given up. */
const BARREN_MAX = 16;

const entry = new Dirent();
/** Nodes counted into the reply that is being made, so that they can be counted out again. */
const given: Node[] = [];

/** FUSE_READDIR, FUSE_READDIRPLUS: fh@0 offset@8 size@16 → entries, whole ones only; none = the end. */
export function readdir(e: Engine, op: Op): void {
  const h = handleOf(e, op);
  if (h === undefined) return;
  const { listing } = h;
  if (listing === undefined) return e.error(op, EBADF);
  const { dv } = e.request;
  op.handle = h;
  if (h.fill === undefined) readByProgram(e, op.node as Node);
  op.offLo = dv.getUint32(IN_HEADER + 8, true);
  op.offHi = dv.getUint32(IN_HEADER + 12, true);
  op.size = Math.min(dv.getUint32(IN_HEADER + 16, true), e.out.size - OUT_HEADER);
  if (listing.fetching) {
    // The batch that was asked for when the folder was opened is on its way.
    if (listing.waiter !== undefined) return e.error(op, EBUSY);
    listing.waiter = op;
    // None of its own messages is under way: it must not be used again before the batch is there, even if its caller is killed.
    op.held = true;
    return;
  }
  serve(e, op, listing);
}

/** A program reads the folder: what the kernel knew of its time of access is over. */
function readByProgram(e: Engine, dir: Node): void {
  dir.fresh = undefined;
  if (dir.parent !== undefined) dir.parent.past.folderReadAt = e.now;
}

/** Brings the listing to where the kernel wants to read. Once for each request: batches that bring nothing move it on. */
function place(e: Engine, op: Op, l: Listing): void {
  const atStart = op.offLo === 0 && op.offHi === 0;
  const goesOn = op.offLo === l.nextLo && op.offHi === l.nextHi;
  // What came along with opendir(3) is not given out when it is out of date by now.
  const dir = op.node as Node;
  const old = Math.max(dir.changedAt, dir.past.toldAt) >= l.at || e.policy.entryLeft(l.at, e.now) <= 0;
  const again = atStart && ((l.left && old) || (l.ended && !l.left && l.batches > 0));
  if (again || (!goesOn && !goBack(l, op))) l.rewind(op.offLo, op.offHi);
}

function serve(e: Engine, op: Op, l: Listing): void {
  if (!op.placed) place(e, op, l);
  op.placed = true;
  if (l.errno !== 0) {
    const { errno } = l;
    l.rewind(0, 0);
    return e.error(op, errno);
  }
  if (l.left) {
    const len = pack(e, op, l, op.opcode === OP.readdirplus);
    if (len < 0) return;
    if (len > 0) {
      l.barren = 0;
      if (op.handle?.fill !== undefined) op.handle.fill.given = true;
      if (e.answer(op, len)) e.walk.listed(e, given);
      else countOut(e);
      given.length = 0;
      return;
    }
    if (++l.barren > BARREN_MAX) return e.lie(op, 'listed a folder without one possible name');
  }
  if (l.ended) {
    l.data = undefined;
    l.dv = undefined;
    e.answer(op);
    const fill = op.handle?.fill;
    if (fill !== undefined) e.fills.end(e, op.node as Node, fill);
    return;
  }
  const { handle } = op;
  if (handle === undefined) return e.error(op, EBADF);
  l.waiter = op;
  withOpenFid(e, op, handle, (e2, op2) => {
    fetch(e2, op2, l, op2.fid, e2.canReaddirplus && op2.opcode === OP.readdirplus);
  });
}

/**
 * A program with a small buffer takes only the first entries of a reply, and the kernel asks again from there: `l` goes back to that place, if the reply before
 * had it. The beginning is always read anew: that is what rewinddir(3) is for.
 */
function goBack(l: Listing, op: Op): boolean {
  const { data, dv } = l;
  if (data === undefined || dv === undefined || (op.offLo === 0 && op.offHi === 0)) return false;
  for (let pos = l.replyPos; pos >= 0 && pos < l.pos; ) {
    pos = l.plus ? readPlus(dv, pos, data.length) : readDirent(dv, pos, data.length, entry);
    if (pos < 0 || entry.offsetLo !== op.offLo || entry.offsetHi !== op.offHi) continue;
    l.pos = pos;
    l.nextLo = op.offLo;
    l.nextHi = op.offHi;
    return true;
  }
  return false;
}

/** Asks for the next batch of an open folder. `op` is only whose request it is; the one that wants the entries is `l.waiter`. */
export function fetch(e: Engine, op: Op, l: Listing, fid: number, plus: boolean): void {
  l.fetching = true;
  l.at = e.now;
  l.asked = e.now;
  l.watch = (op.node as Node).watch;
  op.listing = l;
  const type = plus ? EXT.readdirplus : T.readdir;
  const count = Math.min(BATCH, ioUnit(e.session.msize));
  op.size2 = count;
  e.req.read(type, e.call(op, type, plus ? onPlus : onEntries), fid, l.lastLo, l.lastHi, count);
}

function onEntries(e: Engine, op: Op, err: number, r: Reply): void {
  took(e, op, err, r, false, 0);
}

/** Rreaddirplus: eof[1] count[4] data. */
function onPlus(e: Engine, op: Op, err: number, r: Reply): void {
  took(e, op, err, r, true, err === 0 ? r.dv.getUint8(r.pos) : 0);
}

function took(e: Engine, op: Op, err: number, r: Reply, plus: boolean, eof: number): void {
  const l = op.listing as Listing;
  const at = r.pos + (plus ? 5 : 4);
  l.fetching = false;
  const len = err === 0 ? r.end - at : 0;
  if (err !== 0) {
    if (l.errno === 0) l.errno = err;
  } else if (len > op.size2) {
    e.lie(undefined, 'sent more of a folder than it was asked for');
    l.errno = EIO;
  } else if (len === 0) {
    l.ended = true;
    l.data = undefined;
  } else {
    // A copy: the kernel takes it in pieces, and the input is about to hold other bytes.
    l.data = Buffer.allocUnsafeSlow(len);
    l.data.set(r.u8.subarray(at, r.end));
    l.dv = new DataView(l.data.buffer);
    l.plus = plus;
    l.pos = 0;
    l.usedUp = false;
    l.ended = eof !== 0;
    if (l.ended && l.batches === 0 && l.lastLo === 0 && l.lastHi === 0 && op.node !== undefined) {
      rememberListing(e, op.node, l, l.data, (eof & EOF_QUIET) !== 0);
    }
  }
  const { waiter } = l;
  l.waiter = undefined;
  if (waiter === undefined) return;
  waiter.held = false;
  if (!waiter.done) serve(e, waiter, l);
  if (waiter !== op) e.release(waiter);
}

/**
 * Turns entries into the kernel's form behind the header in `e.out`, as many as fit in `op.size`. Returns the bytes made (0: the batch is used up without one), or
 * -1 when the operation has been answered with an error. Checks every name and that offsets move on.
 */
function pack(e: Engine, op: Op, l: Listing, plus: boolean): number {
  const data = l.data as Uint8Array;
  const dv = l.dv as DataView;
  const end = data.length;
  const out = e.out.dv;
  const limit = OUT_HEADER + op.size;
  const dir = op.node as Node;
  let to = OUT_HEADER;
  given.length = 0;
  l.replyPos = l.pos;
  while (l.pos < end) {
    const next = l.plus ? readPlus(dv, l.pos, end) : readDirent(dv, l.pos, end, entry);
    if (next < 0) return ended(e, op, l, 'sent half an entry of a folder');
    const { nameOff, nameLen, offsetLo, offsetHi } = entry;
    const what = judgeName(data, nameOff, nameLen);
    if (what === NAME_BAD) warnName(e, data, nameOff, nameLen);
    else {
      const need = plus ? direntPlusSize(nameLen) : direntSize(nameLen);
      if (to + need > limit) {
        if (to > OUT_HEADER) return to - OUT_HEADER;
        e.error(op, EINVAL);
        return -1;
      }
      if (plus) {
        // The kernel changes between the two kinds within one listing: what was fetched without attributes is given without an entry.
        putPlus(e, out, to, dir, l, l.plus && what === NAME_GOOD && dir.changedAt < l.at);
        to += ENTRY_OUT;
      }
      const noIno = (entry.pathLo | entry.pathHi) === 0;
      const ino = noIno ? UNKNOWN_INO : entry.pathLo;
      to = putDirent(
        out,
        e.out.u8,
        to,
        ino,
        entry.pathHi,
        offsetLo,
        offsetHi,
        entry.type,
        data,
        nameOff,
        nameLen,
      );
    }
    if ((offsetLo === l.nextLo && offsetHi === l.nextHi) || offsetHi > 0x7fffffff) {
      countOut(e);
      return ended(e, op, l, 'listed a folder whose offsets do not move on');
    }
    l.nextLo = offsetLo;
    l.nextHi = offsetHi;
    l.pos = next;
  }
  // Given out a second time: how far the listing has come was noted the first time.
  if (l.usedUp) return to - OUT_HEADER;
  l.usedUp = true;
  l.lastLo = l.nextLo;
  l.lastHi = l.nextHi;
  if (!l.movedTo(l.lastLo, l.lastHi)) {
    countOut(e);
    return ended(e, op, l, 'listed a folder in a circle');
  }
  return to - OUT_HEADER;
}

function ended(e: Engine, op: Op, l: Listing, what: string): number {
  l.rewind(0, 0);
  e.lie(op, what);
  return -1;
}

/** An entry of Rreaddirplus: getattr body[153] offset[8] name[s]. Fills `entry`; returns the position after it or -1. */
function readPlus(dv: DataView, pos: number, end: number): number {
  const next = entryEnd(dv, pos, end);
  if (next < 0) return -1;
  const p = pos + GETATTR_BODY;
  entry.pathLo = dv.getUint32(pos + 13, true);
  entry.pathHi = dv.getUint32(pos + 17, true);
  entry.type = (dv.getUint32(pos + 21, true) >>> 12) & 15;
  entry.offsetLo = dv.getUint32(p, true);
  entry.offsetHi = dv.getUint32(p + 4, true);
  entry.nameOff = pos + NAME_AT;
  entry.nameLen = next - entry.nameOff;
  return next;
}

/** Writes the entry_out half: of a node that is counted once more, or zeros for what the kernel shall not look up (`.`, `..`, an object without attributes). */
function putPlus(e: Engine, out: DataView, to: number, dir: Node, l: Listing, real: boolean): void {
  const { attrs, nodes } = e;
  const dv = l.dv as DataView;
  if (real && dv.getUint32(l.pos, true) !== 0 && attrs.read(dv, l.pos)) {
    const isRoot = attrs.kind === S_IFDIR && nodes.root.is(attrs.pathLo, attrs.pathHi);
    const known = nodes.find(attrs);
    const since = tellsOfItself(attrs) ? l.asked : l.at;
    // What was changed through this mount since the batch was asked for is known better by now.
    if (
      !isRoot &&
      !linksMayDiffer(e, attrs, l.asked) &&
      (known === undefined || known.changedAt < l.asked) &&
      (since === l.at || e.policy.attrLeft(since, e.now) > 0)
    ) {
      const name = (l.data as Buffer).toString('latin1', entry.nameOff, entry.nameOff + entry.nameLen);
      if (dir.fill?.names.has(name) !== true) {
        const node = internAt(e, dir, name);
        e.putEntry(out, to, node, since);
        given.push(node);
        return;
      }
    }
  }
  for (let i = 0; i < ENTRY_OUT; i += 4) out.setUint32(to + i, 0, true);
}

function countOut(e: Engine): void {
  for (const node of given) {
    node.nlookup--;
    if (node.nlookup === 0) e.dropIfUnused(node);
  }
  given.length = 0;
}

function warnName(e: Engine, data: Uint8Array, off: number, len: number): void {
  const text = new TextDecoder().decode(data.subarray(off, off + Math.min(len, 60)));
  if (e.badNameSeen) return;
  e.badNameSeen = true;
  e.warn(
    `the server listed the impossible name "${printable(text)}" (${len} bytes); it and others like it are not shown`,
  );
}
