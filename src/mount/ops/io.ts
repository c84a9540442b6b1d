// SPDX-License-Identifier: MIT

import { EIO } from '../../base/errno.ts';
import { S_ISGID, S_ISUID } from '../../base/stat.ts';
import { IN_HEADER, OUT_HEADER, WRITE_CACHE, WRITE_KILL_SUIDGID } from '../../fuse-abi/index.ts';
import { ioUnit, putWriteHeader, type Reply, SETATTR_MODE, T, WRITE_HEADER } from '../../p9-client/index.ts';
import type { Engine } from '../engine.ts';
import type { Handle } from '../handle.ts';
import type { Node } from '../node.ts';
import type { Op } from '../op.ts';
import { changingObject } from '../prefetch.ts';
import { killsOf } from './attr.ts';
import { handleOf } from './open.ts';
import {
  answerWritten,
  keepToWrite,
  onPieceWritten,
  writeFid,
  writeThroughNewFid,
  writeUnit,
} from './write-back.ts';

const TWO32 = 4294967296;
/** Writes up to this many bytes are copied behind the requests that wait, so that many go out with one system call. */
const COPIED = 16384;
const WRITE_IN = 40;

/** FUSE_READ: fh@0 offset@8 size@16 → at most `size` bytes; fewer = the end of the file. */
export function read(e: Engine, op: Op): void {
  const h = handleOf(e, op);
  if (h === undefined) return;
  const { dv } = e.request;
  op.handle = h;
  op.offLo = dv.getUint32(IN_HEADER + 8, true);
  op.offHi = dv.getUint32(IN_HEADER + 12, true);
  op.size = Math.min(dv.getUint32(IN_HEADER + 16, true), e.options.maxWrite);
  op.a = 0;
  ask(e, op, h);
}

/** Asks for what is still missing: `op.size` bytes less the `op.a` that have come. */
function ask(e: Engine, op: Op, h: Handle): void {
  const unit = ioUnit(e.session.msize);
  const most = h.iounit > 0 ? Math.min(h.iounit, unit) : unit;
  op.size2 = Math.min(op.size - op.a, most);
  const lo = op.offLo + op.a;
  const hi = lo >= TWO32 ? op.offHi + 1 : op.offHi;
  e.req.read(T.read, e.call(op, T.read, onRead), h.fid, lo, hi, op.size2);
}

/** Rread: count[4] data. Passed on from where it was received, with the kernel's header written over what came before it. */
function onRead(e: Engine, op: Op, err: number, r: Reply): void {
  if (err !== 0) return e.error(op, err);
  const n = r.end - r.pos - 4;
  if (n > op.size2) return e.lie(op, 'sent more of a file than it was asked for');
  e.stats.readBytes += n;
  const h = op.handle as Handle;
  const end = op.offHi * TWO32 + op.offLo + op.a + n;
  // The kernel takes a short answer for the end of the file; a server may stop early for reasons of its own.
  const stoppedEarly = n > 0 && op.a + n < op.size && end < h.node.size;
  if (op.a === 0 && !stoppedEarly) {
    e.answerWith(op, e.inputMem, r.pos + 4, n);
    return;
  }
  op.data ??= new Uint8Array(op.size);
  op.data.set(r.u8.subarray(r.pos + 4, r.end), op.a);
  op.a += n;
  if (stoppedEarly && !op.done && h.fid >= 0) return ask(e, op, h);
  e.out.u8.set(op.data.subarray(0, op.a), OUT_HEADER);
  e.answer(op, op.a);
}

/** FUSE_WRITE: fh@0 offset@8 size@16 write_flags@20 flags@32, data@40 → size u32, pad. */
export function write(e: Engine, op: Op): void {
  const h = handleOf(e, op);
  if (h === undefined) return;
  const { dv, u8 } = e.request;
  const b = IN_HEADER;
  const data = b + WRITE_IN;
  const asked = dv.getUint32(b + 16, true);
  if (data + asked > e.header.end) return e.error(op, EIO);
  const { node } = h;
  e.policy.onWrite(node);
  changingObject(e, node);
  op.handle = h;
  op.flags = dv.getUint32(b + 32, true);
  const how = dv.getUint32(b + 20, true);
  const lo = dv.getUint32(b + 8, true);
  const hi = dv.getUint32(b + 12, true);
  const fid = writeFid(op, h);
  const size = Math.min(asked, writeUnit(e, h));
  // Of pages of a map that are not all written the kernel hears nothing but an error (fuse_writepage_end, fs/fuse/file.c): bytes that are left are written after the first. So is what
  // does not fit into one message.
  if (size < asked || fid < 0 || (how & WRITE_CACHE) !== 0)
    keepToWrite(op, u8.slice(data, data + asked), lo, hi, how);
  if ((how & WRITE_KILL_SUIDGID) !== 0 && (node.mode & (S_ISUID | S_ISGID)) !== 0) dropPrivileges(e, op, h);
  if (fid < 0) return writeThroughNewFid(e, op);
  op.size = size;
  const tag = e.call(op, T.write, op.data === undefined ? onWritten : onPieceWritten);
  if (size <= COPIED && size + WRITE_HEADER <= e.req.room) {
    e.req.write(tag, fid, lo, hi, u8.subarray(data, data + size));
    return;
  }
  // The header goes where the kernel's was: header and data leave in one piece from where they lie.
  putWriteHeader(dv, data - WRITE_HEADER, tag, fid, lo, hi, size);
  e.sendRun(e.request, data - WRITE_HEADER, size + WRITE_HEADER);
}

/** The writer may not keep set-user-id bits: taken away before the write, in case the server is root and its kernel would let them stand. */
function dropPrivileges(e: Engine, op: Op, h: Handle): void {
  const mode = killsOf(h.node.mode);
  if (mode === h.node.mode) return;
  h.node.mode = mode;
  e.req.setattr(e.call(op, T.setattr, onIgnored), h.fid, SETATTR_MODE, mode & 0o7777, 0, 0);
}

/** The server's own kernel does the same as a rule; a refusal changes nothing. */
function onIgnored(): void {}

/** Rwrite: count[4]. Fewer bytes than were given are told to the program, which goes on or hears why not: as of a local disk that is full. */
function onWritten(e: Engine, op: Op, err: number, r: Reply): void {
  if (err !== 0) return e.error(op, err);
  const n = r.dv.getUint32(r.pos, true);
  changingObject(e, op.node as Node);
  if (n > op.size) return e.lie(op, 'wrote more than it was given');
  e.stats.writtenBytes += n;
  answerWritten(e, op, n);
}
