// SPDX-License-Identifier: MIT

import { EIO } from '../../base/errno.ts';
import { O_ACCMODE, O_APPEND, O_RDONLY, O_SYNC } from '../../base/sys.ts';
import { FSYNC_DATASYNC, OUT_HEADER, WRITE_CACHE } from '../../fuse-abi/index.ts';
import { ioUnit, REQUEST_MAX, type Reply, T, WRITE_HEADER } from '../../p9-client/index.ts';
import type { Engine } from '../engine.ts';
import { withOwnFid } from '../fids.ts';
import type { Handle } from '../handle.ts';
import type { Node } from '../node.ts';
import type { Op } from '../op.ts';
import { changingObject } from '../prefetch.ts';

/** Bytes of one Twrite: they are copied behind the requests that wait. */
const PIECE = 65536;
/** Room that is left for other requests. */
const OTHERS = REQUEST_MAX * 4;
/** For want of room a piece waits until something was sent. Milliseconds. */
const ROOM_MS = 5;
const TWO32 = 4294967296;

/**
 * A fid through which bytes can be written to where they belong; -1 when there is none yet. One that appends will not do: Linux' pwrite(2) on such a descriptor
 * appends whatever the offset (BUGS in pwrite(2)), and the server opened the file as the program did. Pages of a shared map come with no flags; F_SETFL changes
 * those of a descriptor.
 */
function pagesFid(h: Handle): number {
  if (h.pagesFid >= 0) return h.pagesFid;
  for (let other = h.node.handles; other !== undefined; other = other.next)
    if ((other.flags & O_APPEND) === 0 && (other.flags & O_ACCMODE) !== O_RDONLY && other.fid >= 0)
      return other.fid;
  return -1;
}

/** The fid that a WRITE with the flags `op.flags` goes by; -1: one must be opened first. */
export function writeFid(op: Op, h: Handle): number {
  return (h.flags & O_APPEND) !== 0 && (op.flags & O_APPEND) === 0 ? pagesFid(h) : h.fid;
}

/** The most bytes of one Twrite. */
export function writeUnit(e: Engine, h: Handle): number {
  const unit = ioUnit(e.session.msize);
  return h.iounit > 0 ? Math.min(h.iounit, unit) : unit;
}

/** The request's bytes are gone when a reply comes: these are written piece by piece, from `lo`/`hi` on. `how`: write_flags. */
export function keepToWrite(op: Op, data: Uint8Array, lo: number, hi: number, how: number): void {
  op.data = data;
  op.a = 0;
  op.b = how & WRITE_CACHE;
  op.offLo = lo;
  op.offHi = hi;
}

/** Opens the file once more, without O_APPEND, and goes on writing `op.data`. The handle keeps the fid. */
export function writeThroughNewFid(e: Engine, op: Op): void {
  withOwnFid(e, op, op.node as Node, cloneForPages);
}

function cloneForPages(e: Engine, op: Op): void {
  op.newFid = e.fids.take();
  e.req.clone(e.call(op, T.walk, onCloned), op.fid, op.newFid);
}

function onCloned(e: Engine, op: Op, err: number): void {
  if (err === 0) {
    const h = op.handle as Handle;
    e.req.lopen(e.call(op, T.lopen, onOpened), op.newFid, h.flags & O_ACCMODE);
    return;
  }
  e.fids.give(op.newFid);
  op.newFid = -1;
  e.error(op, err);
}

function onOpened(e: Engine, op: Op, err: number): void {
  const h = op.handle as Handle;
  const fid = op.newFid;
  op.newFid = -1;
  // Closed meanwhile, or another write was quicker.
  if (err !== 0 || h.fid < 0 || h.pagesFid >= 0) e.clunk(fid);
  else h.pagesFid = fid;
  if (err !== 0 || h.pagesFid < 0) return e.error(op, err === 0 ? EIO : err);
  writePiece(e, op);
}

/** The next piece of `op.data`, of which `op.a` bytes are written. */
function writePiece(e: Engine, op: Op): void {
  const h = op.handle as Handle;
  const fid = h.fid < 0 ? -1 : writeFid(op, h);
  if (fid < 0) {
    // Closed, or only another handle was, by whose fid the pieces before this one went.
    if (h.fid < 0) return failed(e, op, EIO);
    return writeThroughNewFid(e, op);
  }
  const data = op.data as Uint8Array;
  const size = Math.min(PIECE, writeUnit(e, h), data.length - op.a);
  if (size + WRITE_HEADER + OTHERS > e.req.room) return waitForRoom(e, op);
  const lo = op.offLo + op.a;
  op.size = size;
  e.req.write(
    e.call(op, T.write, onPieceWritten),
    fid,
    lo % TWO32,
    lo >= TWO32 ? op.offHi + 1 : op.offHi,
    data.subarray(op.a, op.a + size),
  );
}

function waitForRoom(e: Engine, op: Op): void {
  op.held = true;
  setTimeout(() => {
    op.held = false;
    if (op.done || e.isEnded) return e.release(op);
    e.now = performance.now();
    writePiece(e, op);
    e.settleTurn();
  }, ROOM_MS);
}

/** Rwrite of `op.size` bytes that were kept: count[4]. */
export function onPieceWritten(e: Engine, op: Op, err: number, r: Reply): void {
  changingObject(e, op.node as Node);
  if (err !== 0) return failed(e, op, err);
  const n = r.dv.getUint32(r.pos, true);
  if (n === 0 || n > op.size) {
    e.lie(op, 'wrote another number of bytes than it was given');
    return;
  }
  e.stats.writtenBytes += n;
  op.a += n;
  const { length } = op.data as Uint8Array;
  if (op.a >= length) answerWritten(e, op, length);
  else if (!op.done) writePiece(e, op);
}

/** Of pages the kernel wants to hear that they are not all written; a program, how many bytes are. */
function failed(e: Engine, op: Op, err: number): void {
  if (op.a > 0 && op.b === 0) answerWritten(e, op, op.a);
  else e.error(op, err);
}

/**
 * The answer to WRITE, `n` bytes. One write that is to be on the disk (RWF_DSYNC, RWF_SYNC of pwritev2(2)) is followed by FSYNC, but not where writes go past the page cache
 * (`fuse_direct_write_iter`, fs/fuse/file.c): there it is done here. On a file that was opened so, the server's own write waits for the disk.
 */
export function answerWritten(e: Engine, op: Op, n: number): void {
  const h = op.handle as Handle;
  op.a = n;
  if (!h.direct || (op.flags & ~h.flags & O_SYNC) === 0) return answer(e, op);
  if (h.fid < 0) return e.error(op, EIO);
  e.req.fsync(e.call(op, T.fsync, onSynced), h.fid, (op.flags & O_SYNC) === O_SYNC ? 0 : FSYNC_DATASYNC);
}

function onSynced(e: Engine, op: Op, err: number): void {
  if (err !== 0) e.error(op, err);
  else answer(e, op);
}

function answer(e: Engine, op: Op): void {
  e.out.dv.setUint32(OUT_HEADER, op.a, true);
  e.out.dv.setUint32(OUT_HEADER + 4, 0, true);
  e.answer(op, 8);
}
