// SPDX-License-Identifier: MIT

import { EBADF, EMFILE, ENFILE, ENOENT, ESTALE } from '../../base/errno.ts';
import { isSpecial, S_IFDIR, S_IFREG, S_ISGID, S_ISUID } from '../../base/stat.ts';
import { O_ACCMODE, O_DIRECTORY, O_RDONLY, O_TRUNC } from '../../base/sys.ts';
import {
  FOPEN_DIRECT_IO,
  FSYNC_DATASYNC,
  IN_HEADER,
  NOTIFY_STORE,
  NOTIFY_STORE_HEAD,
  OP,
  OPEN_KILL_SUIDGID,
  OPEN_OUT,
  OUT_HEADER,
  putNotifyStore,
  putOpenOut,
} from '../../fuse-abi/index.ts';
import { GETATTR_ALL, type Reply, SETATTR_MODE, T } from '../../p9-client/index.ts';
import type { Engine } from '../engine.ts';
import { byFormerName, fidIsFormer, withFolder, withOwnFid } from '../fids.ts';
import type { Handle } from '../handle.ts';
import { Listing } from '../listing.ts';
import type { Node } from '../node.ts';
import type { Op, Step } from '../op.ts';
import { sentFlags } from '../open-flags.ts';
import { changingObject } from '../prefetch.ts';
import { listingFromMemory, waitsForListing } from '../walk-ahead.ts';
import { outOfDate } from '../watching.ts';
import { killsOf } from './attr.ts';
import { dropOwner, dropWithHandle } from './lock.ts';
import { fetch } from './readdir.ts';

/** FUSE_OPEN: flags u32, open_flags u32 → open_out. Twalk of no name and Tlopen of the clone. */
export function open(e: Engine, op: Op): void {
  op.flags = e.request.dv.getUint32(IN_HEADER, true);
  op.mode = e.request.dv.getUint32(IN_HEADER + 4, true);
  if ((op.flags & O_ACCMODE) === O_RDONLY) e.ahead.noticed(e, op.node as Node);
  openNow(e, op);
}

function openNow(e: Engine, op: Op): void {
  if (!e.ahead.take(e, op, openNow)) begin(e, op);
}

/** FUSE_OPENDIR: as OPEN. Along with it the first entries are asked for. */
export function opendir(e: Engine, op: Op): void {
  op.flags = O_RDONLY | O_DIRECTORY;
  const dir = op.node as Node;
  if (dir.fill === undefined) e.walk.opened(e, dir);
  openListing(e, op);
}

function openListing(e: Engine, op: Op): void {
  const node = op.node as Node;
  if (waitsForListing(node, op, openListing)) return;
  op.listing = listingFromMemory(e, node);
  op.newFid = -1;
  if (op.listing !== undefined) return opened(e, op, 0, 0);
  op.listing = new Listing();
  begin(e, op);
}

function begin(e: Engine, op: Op): void {
  const node = op.node as Node;
  // An object without a fid is still there as long as it is open, whatever became of its name.
  const open = node.fid < 0 ? node.openHandle : undefined;
  if (fidIsFormer(e, node) || (open !== undefined && byFormerName(e, node, open.placed)))
    withOwnFid(e, op, node, (op.flags & O_TRUNC) !== 0 ? truncateAndOpen : cloneAndOpen);
  else if (open !== undefined && (e.session.ordered || node.parent === undefined)) {
    op.fid = open.fid;
    if ((op.flags & O_TRUNC) !== 0) truncateAndOpen(e, op);
    else cloneAndOpen(e, op);
  } else if ((op.flags & O_TRUNC) !== 0) withOwnFid(e, op, node, truncateAndOpen);
  else if (e.session.ordered && node.fid < 0 && node.parent !== undefined) {
    op.byName = true;
    withFolder(e, op, node.parent, walkAndOpen);
  } else {
    op.byName = node.fidByName;
    withFolder(e, op, node, cloneAndOpen);
  }
}

/**
 * O_TRUNC by one who may not keep set-user-id bits (FUSE_OPEN_KILL_SUIDGID): they are taken away first, in case the server is root and its kernel would let them
 * stand.
 */
function truncateAndOpen(e: Engine, op: Op): void {
  const node = op.node as Node;
  changingObject(e, node);
  if (
    op.opcode === OP.open &&
    (op.flags & O_TRUNC) !== 0 &&
    (op.mode & OPEN_KILL_SUIDGID) !== 0 &&
    (node.mode & (S_ISUID | S_ISGID)) !== 0
  ) {
    const mode = killsOf(node.mode);
    if (mode !== node.mode)
      e.req.setattr(e.call(op, T.setattr, onModeSet), op.fid, SETATTR_MODE, mode & 0o7777, 0, 0);
    node.mode = mode;
  }
  cloneAndOpen(e, op);
}

/** A refusal changes nothing: the server's own kernel does the same as a rule. */
function onModeSet(): void {}

function cloneAndOpen(e: Engine, op: Op): void {
  e.clunks.drain(e);
  op.newFid = e.fids.take();
  op.newFidMade = false;
  e.req.clone(e.call(op, T.walk, onCloned), op.fid, op.newFid);
  if (e.session.ordered) openInOrder(e, op);
}

/** A walk from the folder to the name, whose end is opened at once; the qid of Rlopen tells whether it can be the very object. */
function walkAndOpen(e: Engine, op: Op): void {
  e.clunks.drain(e);
  op.newFid = e.fids.take();
  op.newFidMade = false;
  e.req.walk1(e.call(op, T.walk, onCloned), op.fid, op.newFid, (op.node as Node).name);
  openInOrder(e, op);
}

function openInOrder(e: Engine, op: Op): void {
  lopen(e, op);
  const node = op.node as Node;
  if (op.opcode === OP.open && e.policy.wantsContent(node, op.flags) && e.mayPrefetch()) {
    node.opening = true;
    op.contentDue = true;
    // One byte more than is known of: a file that has grown shows.
    op.size = node.size;
    e.req.read(T.read, e.call(op, T.read, onContent), op.newFid, 0, 0, node.size + 1);
  }
  if (op.listing !== undefined && e.canReaddirplus) {
    const { listing } = op;
    if (e.walk.isWalk) e.watching.watch(e, node, op.newFid);
    fetch(e, op, listing, op.newFid, true);
    if (e.policy.opensUnasked(op.node as Node)) opened(e, op, 0, 0);
  }
}

function lopen(e: Engine, op: Op): void {
  const flags = op.opcode === OP.opendir ? O_RDONLY | O_DIRECTORY : sentFlags(op.flags);
  e.req.lopen(e.call(op, T.lopen, onOpened), op.newFid, flags);
}

function onCloned(e: Engine, op: Op, err: number): void {
  if (op.done && op.handle !== undefined) return spoiled(op, err);
  if (err === 0) {
    op.newFidMade = true;
    if (!e.session.ordered) lopen(e, op);
    return;
  }
  op.err = err === ENOENT ? ESTALE : err;
  if (!e.session.ordered) failed(e, op);
}

function failed(e: Engine, op: Op): void {
  if (op.newFidMade) e.clunk(op.newFid);
  else e.fids.give(op.newFid);
  op.newFid = -1;
  const { err } = op;
  if (
    (err === EMFILE || err === ENFILE) &&
    !op.retried &&
    !op.done &&
    op.waiting === 0 &&
    e.fids.sweep(e, 256) > 0
  ) {
    op.retried = true;
    op.err = 0;
    return begin(e, op);
  }
  e.error(op, err);
}

/** The folder was opened without waiting for the word of the server, which is no: reading it says so. */
function spoiled(op: Op, err: number): void {
  const listing = op.handle?.listing;
  if (err !== 0 && listing !== undefined && listing.errno === 0) listing.errno = err;
}

/** Rlopen: qid[13] iounit[4]. */
function onOpened(e: Engine, op: Op, err: number, r: Reply): void {
  const node = op.node as Node;
  const { pos, dv } = r;
  const same = err !== 0 || node.is(dv.getUint32(pos + 5, true), dv.getUint32(pos + 9, true));
  if (op.done && op.handle !== undefined) return spoiled(op, same ? err : ESTALE);
  if (err !== 0 && op.err === 0) op.err = err;
  if (op.err === 0 && !op.newFidMade) {
    e.lie(op, 'answered out of the order that it had promised');
    op.err = EBADF;
  }
  if (op.err === 0 && !same) op.err = ESTALE;
  if (op.err !== 0) return failed(e, op);
  if (op.done) return abandon(e, op);
  op.a = dv.getUint32(pos + 13, true);
  op.b = dv.getUint32(pos + 1, true);
  if (op.byName && node.kind === S_IFREG && node.bornSec !== 0 && op.b !== node.version) {
    // It has changed since it was looked at: or it is another, made since and given the same inode number.
    op.verifying = true;
    e.req.getattr(e.call(op, T.getattr, onVerified), op.newFid, GETATTR_ALL);
    return;
  }
  // The bytes are most likely right behind; else the program does not wait for them.
  if (op.contentDue) waitForContent(e, op);
  else opened(e, op, op.a, op.b);
}

/** Whoever asked was killed, and the server has opened it. */
function abandon(e: Engine, op: Op): void {
  if (op.newFid >= 0) e.clunk(op.newFid);
  op.newFid = -1;
}

/** Rgetattr of what was opened by its name. */
function onVerified(e: Engine, op: Op, err: number, r: Reply): void {
  const node = op.node as Node;
  if (op.done) return abandon(e, op);
  if (err !== 0) op.err = err;
  else if (!e.attrs.read(r.dv, r.pos) || !e.attrs.isOf(node)) op.err = ESTALE;
  if (op.err !== 0) {
    const another = op.err === ESTALE;
    failed(e, op);
    // The name leads to another object now, however often it is asked for.
    if (another) e.nodes.displace(node);
    return;
  }
  if (op.b !== node.version) outOfDate(e, node);
  e.attrs.noteIn(node);
  opened(e, op, op.a, op.b);
}

/** How long an open waits for bytes that are not in the server's memory. Milliseconds. */
const CONTENT_PATIENCE = 2;

function waitForContent(e: Engine, op: Op): void {
  op.since = e.now;
  e.openedEarly.push(op);
  e.contentTimer ??= setTimeout(() => answerEarly(e), CONTENT_PATIENCE);
}

/** Answers the opens whose bytes did not come along: the server has to fetch them from a disk. */
function answerEarly(e: Engine): void {
  e.contentTimer = undefined;
  if (e.isEnded) return;
  e.now = performance.now();
  const waiting = e.openedEarly.splice(0);
  for (const op of waiting) {
    if (op.done || op.handle !== undefined) continue;
    if (e.now - op.since >= CONTENT_PATIENCE - 0.5) opened(e, op, op.a, op.b);
    else e.openedEarly.push(op);
  }
  if (e.openedEarly.length > 0) e.contentTimer = setTimeout(() => answerEarly(e), CONTENT_PATIENCE);
}

/**
 * Rread of a whole small file along with its open: put into the kernel's page cache (FUSE_NOTIFY_STORE) before the open is answered, so that reading it takes no
 * further trip. The kernel locks the pages for that; nobody can hold one and wait for us, because the file is not open anywhere.
 */
function onContent(e: Engine, op: Op, err: number, r: Reply): void {
  const node = op.node as Node;
  node.opening = false;
  op.contentDue = false;
  const place = e.openedEarly.indexOf(op);
  if (place >= 0) e.openedEarly.splice(place, 1);
  if (op.handle !== undefined || op.err !== 0 || op.verifying) return;
  if (op.done) return abandon(e, op);
  const n = r.end - r.pos - 4;
  const whole = err === 0 && n > 0 && n <= op.size && node.handles === undefined && node.size === op.size;
  if (!whole || node.kind !== S_IFREG) return opened(e, op, op.a, op.b);
  const data = r.pos + 4;
  const at = putNotifyStore(e.inputMem.dv, data, NOTIFY_STORE, node.id, 0, n);
  const stored = e.notify(e.inputMem, at, NOTIFY_STORE_HEAD + n) === 0;
  if (stored) {
    e.stats.readBytes += n;
    e.policy.onStored(node, op.b);
  }
  opened(e, op, op.a, op.b);
}

/** Makes the handle and answers with its number. */
function opened(e: Engine, op: Op, iounit: number, version: number): void {
  const node = op.node as Node;
  const h = e.handles.open(node, op.newFid, op.flags);
  h.iounit = iounit;
  op.handle = h;
  op.newFid = -1;
  if (op.opcode === OP.opendir) {
    h.listing = op.listing ?? new Listing();
    if (node.fill !== undefined) e.fills.opened(h);
  }
  if ((op.flags & O_TRUNC) !== 0) {
    e.policy.onWrite(node);
    changingObject(e, node);
  }
  // Not every change is told of by a watch: what the kernel believes must not outlive an open(2) that finds another state.
  else if (version !== 0 && version !== node.version && node.kind === S_IFREG) outOfDate(e, node);
  const openFlags =
    h.listing !== undefined
      ? e.policy.onOpenDir(node, h.listing, e.now)
      : e.policy.onOpen(node, version, op.flags);
  h.direct = (openFlags & FOPEN_DIRECT_IO) !== 0;
  putOpenOut(e.out.dv, OUT_HEADER, h.id, openFlags);
  if (!e.answer(op, OPEN_OUT)) closeHandle(e, h);
}

/** Gives back all that a handle holds. */
export function closeHandle(e: Engine, h: Handle): void {
  e.handles.close(h);
  if (h.node.locks !== undefined) dropWithHandle(e, h);
  if (h.fid >= 0 && (h.flags & O_ACCMODE) === O_RDONLY && e.session.ordered) e.clunks.later(e, h.fid);
  else if (h.fid >= 0) e.clunk(h.fid);
  if (h.pagesFid >= 0) e.clunk(h.pagesFid);
  h.fid = -1;
  h.pagesFid = -1;
  if (h.node.nlookup === 0) e.dropIfUnused(h.node);
}

/** The handle that the body's first field names; answered with EBADF when there is none. */
export function handleOf(e: Engine, op: Op): Handle | undefined {
  const { dv } = e.request;
  const h = e.handles.get(dv.getUint32(IN_HEADER, true), dv.getUint32(IN_HEADER + 4, true));
  if (h === undefined) e.error(op, EBADF);
  return h;
}

/** Goes on with the handle's open fid in `op.fid`. A folder that was opened from memory gets one now; that it can be opened shows in what is done with it. */
export function withOpenFid(e: Engine, op: Op, h: Handle, then: Step): void {
  op.fid = h.fid;
  if (h.fid >= 0) return then(e, op);
  withFolder(e, op, h.node, (e2, op2) => {
    openLate(e2, op2, h);
    op2.fid = h.fid;
    then(e2, op2);
  });
}

/** `op.fid`: the folder's own. */
function openLate(e: Engine, op: Op, h: Handle): void {
  if (h.fid >= 0) return;
  h.fid = e.fids.take();
  e.req.clone(e.call(op, T.walk, onIgnored), op.fid, h.fid);
  e.req.lopen(e.call(op, T.lopen, onIgnored), h.fid, O_RDONLY | O_DIRECTORY);
}

/**
 * Goes on once the server knows that `node`, whose name is about to go, is open, if it is: of a folder that was opened from memory it does not, and what has neither a
 * name nor an open fid is gone (Tgetattr: ENOENT). Of a fifo we do not know either, so it gets a fid.
 */
export function withKnownOpen(e: Engine, op: Op, node: Node | undefined, then: Step): void {
  if (node !== undefined && node.fid < 0 && isSpecial(node.kind)) return withOwnFid(e, op, node, then);
  if (node?.handles === undefined || node.kind !== S_IFDIR || node.openFid >= 0) return then(e, op);
  withFolder(e, op, node, (e2, op2) => {
    // Closed meanwhile?
    if (node.handles !== undefined && node.openFid < 0) openLate(e2, op2, node.handles);
    then(e2, op2);
  });
}

/** If it failed, so does what comes after it. */
function onIgnored(): void {}

/** FUSE_RELEASE, FUSE_RELEASEDIR: fh u64, flags u32, release_flags u32@12, lock_owner u64@16. Nobody waits for more than the word. */
export function release(e: Engine, op: Op): void {
  const h = handleOf(e, op);
  if (h === undefined) return;
  e.answer(op);
  if (h.fill !== undefined) e.fills.end(e, h.node, h.fill);
  closeHandle(e, h);
}

/** FUSE_FLUSH: fh u64, unused, pad, lock_owner u64@16. A close(2): the closing process loses its POSIX locks on the file. */
export function flush(e: Engine, op: Op): void {
  const h = handleOf(e, op);
  if (h === undefined) return;
  const { dv } = e.request;
  const b = IN_HEADER + 16;
  if (h.node.locks !== undefined) dropOwner(e, h.node, dv.getUint32(b, true), dv.getUint32(b + 4, true));
  e.answer(op);
}

/** FUSE_FSYNC, FUSE_FSYNCDIR: fh u64, fsync_flags u32. */
export function fsync(e: Engine, op: Op): void {
  const h = handleOf(e, op);
  if (h === undefined) return;
  op.a = e.request.dv.getUint32(IN_HEADER + 8, true) & FSYNC_DATASYNC;
  withOpenFid(e, op, h, (e2, op2) => e2.req.fsync(e2.call(op2, T.fsync, onDone), op2.fid, op2.a));
}

/** For messages whose success says it all. */
export function onDone(e: Engine, op: Op, err: number): void {
  if (err !== 0) e.error(op, err);
  else e.answer(op);
}
