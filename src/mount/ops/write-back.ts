// SPDX-License-Identifier: MIT

import { EIO } from '../../base/errno.ts';
import { O_ACCMODE, O_APPEND, O_RDONLY, O_SYNC } from '../../base/sys.ts';
import { FSYNC_DATASYNC, OUT_HEADER } from '../../fuse-abi/index.ts';
import { ioUnit, type Reply, T, WRITE_HEADER } from '../../p9-client/index.ts';
import type { Engine } from '../engine.ts';
import { withOwnFid } from '../fids.ts';
import type { Handle } from '../handle.ts';
import type { Node } from '../node.ts';
import type { Op } from '../op.ts';
import { changingObject } from '../prefetch.ts';

/** Bytes of one Twrite: they are copied behind the requests that wait. */
const PIECE = 16384;
const TWO32 = 4294967296;

/**
 * A fid through which bytes can be written to where they belong; -1 when there is none yet. One that appends will not do: Linux' pwrite(2) on such a descriptor
 * appends whatever the offset (BUGS in pwrite(2)), and the server opened the file as the program did. Pages of a shared map come with no flags; F_SETFL changes
 * those of a descriptor.
 */
export function pagesFid(h: Handle): number {
  if (h.pagesFid >= 0) return h.pagesFid;
  for (let other = h.node.handles; other !== undefined; other = other.next)
    if ((other.flags & O_APPEND) === 0 && (other.flags & O_ACCMODE) !== O_RDONLY && other.fid >= 0)
      return other.fid;
  return -1;
}

/** Opens the file once more, without O_APPEND, and writes `op.data` at `op.offLo`/`op.offHi`. The handle keeps the fid. */
export function writeThroughNewFid(e: Engine, op: Op): void {
  op.a = 0;
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
  const data = op.data as Uint8Array;
  const most = Math.min(PIECE, ioUnit(e.session.msize), e.req.room - WRITE_HEADER);
  const piece = data.subarray(op.a, op.a + most);
  op.size2 = piece.length;
  const lo = op.offLo + op.a;
  e.req.write(
    e.call(op, T.write, onWritten),
    (op.handle as Handle).pagesFid,
    lo % TWO32,
    lo >= TWO32 ? op.offHi + 1 : op.offHi,
    piece,
  );
}

/** Rwrite: count[4]. */
function onWritten(e: Engine, op: Op, err: number, r: Reply): void {
  if (err !== 0) return e.error(op, err);
  const n = r.dv.getUint32(r.pos, true);
  if (n === 0 || n > op.size2) return e.lie(op, 'wrote another number of bytes than it was given');
  changingObject(e, op.node as Node);
  e.stats.writtenBytes += n;
  op.a += n;
  const data = op.data as Uint8Array;
  if (op.a < data.length) {
    if ((op.handle as Handle).pagesFid < 0) return e.error(op, EIO);
    return writePiece(e, op);
  }
  answerWritten(e, op, data.length);
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
