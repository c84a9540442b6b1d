// SPDX-License-Identifier: MIT

import { ENOENT } from '../base/errno.ts';
import { S_IFDIR, S_IFMT } from '../base/stat.ts';
import { ENTRY_OUT, FuseAttr, OUT_HEADER, putEntryOut } from '../fuse-abi/index.ts';
import { AT, EOF_QUIET, EOF_QUIET_MS, EXT, GETATTR_BASIC, type Reply, T } from '../p9-client/index.ts';
import type { Attrs } from './attrs.ts';
import { ABSENT, ASK, BATCH_SPAN, DirCache } from './dir-cache.ts';
import type { Engine } from './engine.ts';
import type { Listing } from './listing.ts';
import type { Node } from './node.ts';
import type { Op, Step } from './op.ts';
import { resume, waitAmong } from './wait.ts';

/** Bytes of the first batch of a folder; each further one is twice as large. */
const FIRST_BATCH = 16 * 1024;
const LARGEST_BATCH = 128 * 1024;

/**
 * Answers a lookup from what is known of the folder's entries, or has it wait for what is already on its way. False: the server must be asked.
 *
 * A program that looks up a second name in a folder within the time that names are good for will look up more of them (git status, make, a shell's
 * completion): behind that lookup the folder's entries are asked for as a whole.
 */
export function lookupFromCache(e: Engine, op: Op, dir: Node, again: Step): boolean {
  if (!e.session.extended || e.policy.entryMs <= 0) return false;
  const cache = dir.entries;
  if (cache === undefined || e.policy.entryLeft(trueAt(e, dir, cache), e.now) <= 0) {
    if (cache?.fetching === true) return wait(cache, op, again);
    e.recent.drop(dir);
    if (e.now - dir.past.lookedUpAt < e.policy.entryMs || e.recent.pays) op.prefetch = true;
    dir.past.lookedUpAt = e.now;
    return false;
  }
  const at = cache.find(op.name);
  if (at === ABSENT) {
    e.error(op, ENOENT);
    return true;
  }
  if (at === ASK) {
    if (cache.fetching) return wait(cache, op, again);
    if (!cache.complete && !cache.full && cache.batches.length > 0) op.prefetch = true;
    return false;
  }
  const { dv } = cache.batches[Math.floor(at / BATCH_SPAN)] as { dv: DataView };
  const pos = at % BATCH_SPAN;
  // Folders are looked up on the way to something else, and their attributes may have to be asked for.
  const isFolder = (dv.getUint32(pos + AT.mode, true) & S_IFMT) === S_IFDIR;
  if (!isFolder && e.fills.holds(e, op, dir, cache, again)) return true;
  return answer(e, op, dir, cache, dv, pos);
}

/**
 * Whether the watch of a folder does not tell of changes of this object in it: a file of several names may be changed through another, and what comes and goes in a folder
 * changes its times and links without a word to whoever watches the folder above. Such attributes are good for the kernel's time only.
 */
export function tellsOfItself(attrs: Attrs): boolean {
  return attrs.kind === S_IFDIR || attrs.fuse.nlink > 1;
}

/** Whether attributes that were asked for at `asked` may count names that are gone since, or lack new ones. */
export function linksMayDiffer(e: Engine, attrs: Attrs, asked: number): boolean {
  return attrs.fuse.nlink > 1 && attrs.kind !== S_IFDIR && e.linksChangedAt >= asked;
}

/** As of when what is remembered of `dir` is known to be true. */
export function trueAt(e: Engine, dir: Node, cache: DirCache): number {
  return e.policy.trueAt(cache.at, cache.watch !== 0 && cache.watch === dir.watch, e.now);
}

function wait(cache: DirCache, op: Op, again: Step): true {
  waitAmong(cache.waiters, op, again);
  return true;
}

function answer(e: Engine, op: Op, dir: Node, cache: DirCache, dv: DataView, pos: number): boolean {
  const { attrs, nodes, policy } = e;
  if (!attrs.read(dv, pos)) return false;
  if (attrs.kind === S_IFDIR && nodes.root.is(attrs.pathLo, attrs.pathHi)) return false;
  const known = nodes.find(attrs);
  // Changed through this mount since: what was remembered is out of date.
  if (known !== undefined && known.changedAt >= cache.at) return false;
  if (linksMayDiffer(e, attrs, cache.at)) return false;
  const at = trueAt(e, dir, cache);
  const attrMs = policy.attrLeft(tellsOfItself(attrs) ? cache.at : at, e.now);
  if (attrMs <= 0) return false;
  const node = known ?? nodes.intern(attrs);
  nodes.place(node, dir, op.name);
  attrs.noteIn(node);
  putEntryOut(
    e.out.dv,
    OUT_HEADER,
    node.id,
    node.generation,
    policy.entryLeft(at, e.now),
    attrMs,
    attrs.fuse,
  );
  node.nlookup++;
  e.stats.fromCache++;
  e.recent.hit();
  if (!e.answer(op, ENTRY_OUT)) {
    node.nlookup--;
    e.dropIfUnused(node);
  }
  return true;
}

/** Where asking for whole folders pays: asks for the whole of `dir`, whose fid is `op.fid`, in place of the one name, and has `op` wait for it. False: it must be asked for. */
export function waitsForFolder(e: Engine, op: Op, dir: Node, again: Step): boolean {
  if (dir.entries === undefined) {
    if (!e.recent.pays || !e.mayPrefetch()) return false;
    prefetch(e, dir, op.fid);
  }
  const cache = dir.entries as DirCache | undefined;
  if (cache === undefined || !(cache.fetching || cache.complete)) return false;
  op.prefetch = false;
  // It is on its way; or another lookup has asked for it while this one was finding the folder.
  if (cache.fetching) wait(cache, op, again);
  else again(e, op);
  return true;
}

/** Asks for (more of) the entries of `dir`, whose fid is `fid`. To be sent behind the lookup that gave rise to it. `first`: bytes of the first batch. */
export function prefetch(e: Engine, dir: Node, fid: number, first = FIRST_BATCH): void {
  if (!e.mayPrefetch()) return;
  let cache = dir.entries;
  if (cache === undefined) {
    e.watching.watch(e, dir, fid);
    cache = new DirCache(e.now, dir.watch);
    e.recent.put(dir, cache);
  }
  cache.fetching = true;
  const op = e.spare();
  op.node = dir;
  dir.busy++;
  op.cache = cache;
  op.size2 = Math.min(first << cache.batches.length, LARGEST_BATCH, e.session.msize - 24);
  e.req.read(
    EXT.readdirplus,
    e.call(op, EXT.readdirplus, onBatch),
    fid,
    cache.lastLo,
    cache.lastHi,
    op.size2,
  );
}

/** Rreaddirplus: eof[1] count[4] data. */
function onBatch(e: Engine, op: Op, err: number, r: Reply): void {
  const cache = op.cache as DirCache;
  op.cache = undefined;
  cache.fetching = false;
  const at = r.pos + 5;
  if (err === 0 && r.end - at <= op.size2) {
    const data = Buffer.allocUnsafeSlow(r.end - at);
    data.set(r.u8.subarray(at, r.end));
    const first = cache.batches.length === 0;
    const eof = r.dv.getUint8(r.pos);
    // The server vouches for two seconds when it was asked for the rest, for all that it listed when it was asked for the whole.
    const quiet = (eof & EOF_QUIET) !== 0 && (first || e.now - cache.at < EOF_QUIET_MS);
    cache.add(data, quiet);
    // Nothing more to be had, but what is not listed may still be there.
    if (eof !== 0 && !quiet) cache.failed = true;
    e.recent.grew(cache, data.length);
    // A batch that brings nothing and is not the last either: asking on would go on for ever.
    if (data.length === 0 && eof === 0 && !first) cache.failed = true;
  } else cache.failed = true;
  resume(e, cache.waiters);
}

/** The entries of a folder that was just made: none. */
export function rememberEmpty(e: Engine, dir: Node): void {
  if (!e.session.extended || e.policy.entryMs <= 0) return;
  const cache = new DirCache(e.now);
  cache.complete = true;
  e.recent.put(dir, cache);
}

/**
 * The whole of a folder, as a listing got it. `data` is shared and never changed. `quiet`: what is not in it was not there; else it could have been missed while
 * others changed the folder.
 */
export function rememberListing(e: Engine, dir: Node, l: Listing, data: Buffer, quiet: boolean): void {
  if (e.policy.entryMs <= 0 || dir.changedAt >= l.at) return;
  const cache = new DirCache(l.at, l.watch);
  cache.add(data, quiet);
  cache.failed = !quiet;
  e.recent.put(dir, cache);
  if (!l.shows) return;
  dir.shown = cache;
  dir.past.shownAt = l.at;
}

/**
 * The object was not found where it was last seen (ESTALE). The kernel now looks up the whole path anew, and must get the server's word for it, not what was
 * remembered.
 */
export function doubt(node: Node | undefined, now: number): void {
  if (node?.parent !== undefined) doubtName(node.parent, node.name, now);
  for (let n = node; n?.parent !== undefined; n = n.parent) n.parent.entries?.note(n.name, ASK);
}

/** The same of a name that was not there, and then could not be made because it is. */
export function doubtName(dir: Node, name: string, now: number): void {
  dir.past.doubtedName = name;
  dir.past.doubtedAt = now;
}

/** How long a name that was lost in a race is looked up with care. Milliseconds. */
const DOUBT_MS = 200;

/**
 * True right after `name` was found replaced. The kernel looks again once, and if it loses a second time the program gets ESTALE: this lookup therefore keeps a fid of what it finds,
 * and the open that follows is of that very object, whatever has the name by then.
 */
export function isDoubted(e: Engine, dir: Node, name: string): boolean {
  return dir.past.doubtedName === name && e.now - dir.past.doubtedAt < DOUBT_MS;
}

/** A message that changes `name` in `dir` was sent. */
export function changing(e: Engine, dir: Node, name: string): void {
  // Some file systems keep what is open and has lost its name under another one, in the same folder: what is not open any more shall not be.
  e.clunks.drain(e);
  e.linksChangedAt = e.now;
  e.watching.leave(e, dir);
  const child = e.nodes.child(dir, name);
  if (child?.ahead !== undefined) e.ahead.drop(e, child.ahead);
  dir.changedAt = e.now;
  dir.changes++;
  dir.fresh = undefined;
  dir.entries?.note(name, ASK);
}

/** The server has removed `name` from `dir`. */
export function removed(dir: Node, name: string): void {
  dir.entries?.note(name, ABSENT);
}

/** A message that changes the object itself was sent. */
export function changingObject(e: Engine, node: Node): void {
  if (node.parent !== undefined && node.parent.watch !== 0) e.watching.leave(e, node.parent);
  if (node.ahead !== undefined) e.ahead.drop(e, node.ahead);
  node.changedAt = e.now;
  node.changes++;
  node.fresh = undefined;
}

/**
 * Behind a change of a folder: its attributes, which the kernel asks for next (it forgot its own, and needs them to check permissions for the next
 * change). Only where it has been seen to do so.
 */
export function askFresh(e: Engine, dir: Node): void {
  if (!dir.asksAfterChange || !e.session.ordered || dir.fid < 0 || !e.mayPrefetch()) return;
  const op = e.spare();
  op.node = dir;
  dir.busy++;
  op.a = dir.changes;
  op.b = e.now;
  e.req.getattr(e.call(op, T.getattr, onFresh), dir.fid, GETATTR_BASIC);
}

function onFresh(e: Engine, op: Op, err: number, r: Reply): void {
  const dir = op.node as Node;
  if (err !== 0 || dir.changes !== op.a || !e.attrs.read(r.dv, r.pos) || !e.attrs.isOf(dir)) return;
  e.attrs.noteIn(dir);
  dir.fresh = { at: op.b, attr: Object.assign(new FuseAttr(), e.attrs.fuse) };
}
