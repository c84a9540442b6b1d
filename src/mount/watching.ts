// SPDX-License-Identifier: MIT

import { EMFILE, ENOSPC, EOPNOTSUPP, EPERM } from '../base/errno.ts';
import { NOTIFY_INVAL_INODE, putInvalInode } from '../fuse-abi/index.ts';
import {
  ALL_WATCHES,
  CHANGE_ENTRY,
  CHANGE_LOST,
  CHANGE_OBJECT,
  CHANGE_SELF,
  EXT,
  type Reply,
} from '../p9-client/index.ts';
import { ASK } from './dir-cache.ts';
import type { Engine } from './engine.ts';
import { judgeName, NAME_GOOD } from './names.ts';
import type { Node } from './node.ts';
import type { Op } from './op.ts';

/** Folders watched at one time; the one watched longest makes room. */
const MAX_WATCHES = 4096;
/** A folder that was changed through this mount is not watched (again) for so long: each of our own changes would come back as news. Milliseconds. */
const REST_MS = 2000;
/** id[4] what[1] name[s] */
const RECORD_HEAD = 7;

/**
 * The folders whose changes the server tells us of, so that what it once told of them may be believed until it says otherwise. A watch is asked for ahead of the listing
 * that it is to keep true, in the same write: nothing can change unheard in between.
 */
export class Watching {
  /** False once the server said that it cannot. */
  private possible: boolean;
  private next = 1;
  /** Oldest first. */
  private readonly byId = new Map<number, Node>();
  private asked = false;

  constructor(possible: boolean) {
    this.possible = possible;
  }

  get count(): number {
    return this.byId.size;
  }

  /** Watches `dir`, whose fid is `fid`, if that can be. What is asked of the server after this is covered by it. */
  watch(e: Engine, dir: Node, fid: number): void {
    if (!this.possible || dir.watch !== 0 || dir.dead) return;
    if (dir.changedAt >= 0 && e.now - dir.changedAt < REST_MS) return;
    if (this.byId.size >= MAX_WATCHES) {
      const [oldest] = this.byId.values();
      if (oldest !== undefined) this.leave(e, oldest);
    }
    const id = this.next++;
    if (this.next >= ALL_WATCHES) this.possible = false;
    dir.watch = id;
    this.byId.set(id, dir);
    const op = e.spare();
    op.a = id;
    e.req.watch(e.call(op, EXT.watch, onWatched), fid, id);
    if (this.asked) return;
    this.asked = true;
    ask(e);
  }

  /** Ends a watch from our side. */
  leave(e: Engine, dir: Node): void {
    const id = dir.watch;
    if (id === 0) return;
    this.lost(dir);
    if (e.isEnded || !e.mayPrefetch()) return;
    e.req.unwatch(e.call(e.spare(), EXT.unwatch, onIgnored), id);
  }

  /** The server said no to the watch `id`. */
  refused(e: Engine, id: number, err: number): void {
    const dir = this.byId.get(id);
    // A limit, a refusal, or a file system that does not tell: it will not be otherwise for the next folder.
    if (err === EMFILE || err === ENOSPC || err === EOPNOTSUPP || err === EPERM) this.possible = false;
    if (dir === undefined) return;
    this.lost(dir);
    e.ahead.dropIn(e, dir);
  }

  /** Nothing is watched any more, and nothing will be. */
  stop(e: Engine): void {
    this.possible = false;
    this.onLost(e, ALL_WATCHES);
  }

  private lost(dir: Node): void {
    this.byId.delete(dir.watch);
    dir.watch = 0;
  }

  /** The payload of an Rchanges at `[at, end)`. False: it is malformed, or says what cannot be. */
  changes(e: Engine, r: Reply, at: number, end: number): boolean {
    const { dv, u8 } = r;
    for (let p = at; p < end; ) {
      if (p + RECORD_HEAD > end) return false;
      const id = dv.getUint32(p, true);
      const what = dv.getUint8(p + 4);
      const n = dv.getUint16(p + 5, true);
      const name = p + RECORD_HEAD;
      p = name + n;
      if (p > end) return false;
      if (what === CHANGE_LOST && n === 0) this.onLost(e, id);
      else if (what === CHANGE_SELF && n === 0) this.onChange(e, id, what, '');
      else if (what === CHANGE_ENTRY || what === CHANGE_OBJECT) {
        if (judgeName(u8, name, n) !== NAME_GOOD) return false;
        this.onChange(e, id, what, Buffer.from(u8.buffer, u8.byteOffset + name, n).toString('latin1'));
      } else return false;
    }
    return true;
  }

  private onLost(e: Engine, id: number): void {
    if (id === ALL_WATCHES) {
      for (const dir of [...this.byId.values()]) this.forget(e, dir);
      return;
    }
    const dir = this.byId.get(id);
    if (dir !== undefined) this.forget(e, dir);
  }

  /** What was told of a folder may be out of date in any part. */
  private forget(e: Engine, dir: Node): void {
    this.lost(dir);
    e.recent.drop(dir);
    e.ahead.dropIn(e, dir);
    staleAttributes(e, dir);
    staleListing(e, dir);
  }

  /** `name` in the folder `id` is not what it was, or no more; '' = the folder itself. A watch that we left meanwhile has no folder any more. */
  private onChange(e: Engine, id: number, what: number, name: string): void {
    const dir = this.byId.get(id);
    if (dir === undefined) return;
    e.stats.changesTold++;
    if (name === '') return staleAttributes(e, dir);
    dir.entries?.note(name, ASK);
    if (what === CHANGE_ENTRY) staleListing(e, dir);
    const child = e.nodes.child(dir, name);
    if (child === undefined) return;
    if (child.ahead !== undefined) e.ahead.drop(e, child.ahead);
    // The version may be the same after two changes in one tick of the server's clock (of another server, that is).
    child.cachedVersion = 0;
    staleAttributes(e, child);
  }
}

/** The kernel shall ask again for what it knows of the object itself. Takes no lock of the kernel's that a waiting program may hold: pages stay, and go when the new times are seen. */
function staleAttributes(e: Engine, node: Node): void {
  node.fresh = undefined;
  if (node.nlookup === 0 && node !== e.nodes.root) return;
  e.notify(e.out, 0, putInvalInode(e.out.dv, 0, NOTIFY_INVAL_INODE, node.id));
}

/**
 * The kernel shall not list the folder from what it keeps: it looks at the folder's times before it does, and lists anew where they differ. The pages themselves cannot be taken from here: the kernel
 * holds one locked while it gives names to a program (`fuse_readdir_cached`, fs/fuse/readdir.c), whose buffer may be a map of a file that only we can read.
 */
function staleListing(e: Engine, dir: Node): void {
  dir.shown = undefined;
  dir.fresh = undefined;
  dir.past.toldAt = e.now;
  if (!dir.keepsListing) return;
  if (dir.handles === undefined) dir.keepsListing = false;
  staleAttributes(e, dir);
}

/** Something has shown, without news of a change, that what the server said of the object before is not so any more. */
export function outOfDate(e: Engine, node: Node): void {
  // No lookup or listing is answered any more from what is remembered of it under any of its names.
  node.changedAt = e.now;
  staleAttributes(e, node);
}

/** Keeps the one Tchanges under way. */
function ask(e: Engine): void {
  e.req.changes(e.call(e.spare(), EXT.changes, onChanges));
}

function onChanges(e: Engine, _op: Op, err: number, r: Reply): void {
  if (err !== 0) return e.watching.stop(e);
  if (!e.watching.changes(e, r, r.pos + 4, r.end)) {
    e.lie(undefined, 'told of changes that cannot be');
    return e.watching.stop(e);
  }
  ask(e);
}

function onWatched(e: Engine, op: Op, err: number): void {
  if (err !== 0) e.watching.refused(e, op.a, err);
}

function onIgnored(): void {}
