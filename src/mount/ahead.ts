// SPDX-License-Identifier: MIT

import { O_RDONLY } from '../base/sys.ts';
import {
  NOTIFY_STORE,
  NOTIFY_STORE_HEAD,
  OPEN_OUT,
  OUT_HEADER,
  putNotifyStore,
  putOpenOut,
} from '../fuse-abi/index.ts';
import { type Reply, T } from '../p9-client/index.ts';
import type { Engine } from './engine.ts';
import { judgeName, NAME_GOOD } from './names.ts';
import type { Node } from './node.ts';
import type { Op, Step } from './op.ts';
import { sentFlags } from './open-flags.ts';
import { entryEnd, findEntry, NAME_AT } from './plus-entries.ts';
import { trueAt } from './prefetch.ts';

/** Opens in a row in one folder that look like a program which reads all of it. */
const ROW = 3;
/** So many are opened ahead at first, and at the most, at a time. */
const FIRST = 4;
const MOST = 16;
/** Opened ahead and not yet asked for, in all. */
const MAX_AHEAD = 96;
/** Bytes of files asked for ahead and not yet there. */
const MAX_DUE = 512 * 1024;

/** A file that the server has opened for us before a program asked. */
export interface Ahead {
  readonly node: Node;
  fid: number;
  /** qid version at the open. */
  version: number;
  /** When it was asked for, ms. */
  readonly at: number;
  state: 'asked' | 'ready' | 'failed';
  /** An open of a program that waits for it. */
  waiter: Op | undefined;
}

/** How the files of one folder are being read. */
export class Readers {
  inRow = 0;
  last = -Infinity;
  /** Where in the folder's listing to go on. */
  pos = 0;
  /** The listing that `pos` is of. */
  listing: Buffer | undefined;
  /** How many to open at a time. */
  step = FIRST;
  /** Opened ahead here and not yet asked for. */
  left = 0;
}

/**
 * A program that reads the small files of a folder one after another (grep -r, a compiler, cp -r) waits for one round trip a file. Behind the third open in a row the server
 * is asked to open the next ones of the listing and to send what is in them; they go into the kernel's page cache, and the program's own open is answered at once.
 *
 * It opens the very file and bytes that an open at that moment would: only where the server watches the folder (watching.ts), so that a file changed in between is given up when
 * the news comes, and only if the file is what the listing said of it (the qid's version).
 */
export class OpensAhead {
  private readonly all = new Set<Ahead>();
  private due = 0;
  private timer: NodeJS.Timeout | undefined;

  /** Answers a program's open from what was opened ahead, or has it wait for that. False: it must be opened now. */
  take(e: Engine, op: Op, again: Step): boolean {
    const node = op.node as Node;
    const { ahead } = node;
    if (ahead === undefined) return false;
    // Any flag that the server would have to hear of (O_TRUNC goes with O_RDONLY too) takes an open of its own.
    if (sentFlags(op.flags) !== O_RDONLY || !e.policy.aheadIsGood(ahead.at, e.now)) {
      this.drop(e, ahead);
      return false;
    }
    if (ahead.state === 'asked') {
      if (ahead.waiter !== undefined) return false;
      ahead.waiter = op;
      op.goOn = again;
      op.held = true;
      return true;
    }
    this.forget(e, ahead);
    if (ahead.state === 'failed') return false;
    e.stats.aheadUsed++;
    const h = e.handles.open(node, ahead.fid, op.flags);
    op.handle = h;
    putOpenOut(e.out.dv, OUT_HEADER, h.id, e.policy.onOpen(node, ahead.version, op.flags));
    if (!e.answer(op, OPEN_OUT)) {
      e.handles.close(h);
      e.clunk(h.fid);
      h.fid = -1;
    }
    return true;
  }

  /** A program has asked to open `node` for reading. */
  noticed(e: Engine, node: Node): void {
    const dir = node.parent;
    if (dir === undefined || dir.watch === 0) return;
    dir.readers ??= new Readers();
    const r = dir.readers;
    r.inRow = e.policy.aheadIsGood(r.last, e.now) ? r.inRow + 1 : 1;
    r.last = e.now;
    if (r.inRow >= ROW && r.left <= r.step >> 1) this.more(e, dir, r, node);
  }

  private more(e: Engine, dir: Node, r: Readers, node: Node): void {
    const cache = dir.entries;
    const listing = cache?.listing;
    if (cache === undefined || listing === undefined || dir.fid < 0) return;
    if (cache.watch !== dir.watch || e.policy.entryLeft(trueAt(e, dir, cache), e.now) <= 0) return;
    const dv = new DataView(listing.buffer, listing.byteOffset, listing.byteLength);
    if (r.listing !== listing) {
      r.listing = listing;
      r.pos = after(listing, dv, node.name);
      r.step = FIRST;
    }
    let asked = 0;
    while (asked < r.step && this.mayAsk(e)) {
      const end = entryEnd(dv, r.pos, listing.length);
      if (end < 0) break;
      const name = r.pos + NAME_AT;
      r.pos = end;
      if (judgeName(listing, name, end - name) !== NAME_GOOD) continue;
      const next = e.nodes.child(dir, listing.toString('latin1', name, end));
      if (next === undefined || next.nlookup === 0 || next.ahead !== undefined) continue;
      if (!e.policy.mayOpenAhead(next)) continue;
      this.open(e, dir, next, r);
      asked++;
    }
    r.step = Math.min(MOST, r.step * 2);
    if (asked > 0) this.timer ??= setTimeout(() => this.sweep(e), 1500);
  }

  private mayAsk(e: Engine): boolean {
    return this.all.size < MAX_AHEAD && this.due < MAX_DUE && e.mayPrefetch();
  }

  private open(e: Engine, dir: Node, node: Node, r: Readers): void {
    e.clunks.drain(e);
    const fid = e.fids.take();
    const ahead: Ahead = { node, fid, version: 0, at: e.now, state: 'asked', waiter: undefined };
    node.ahead = ahead;
    this.all.add(ahead);
    e.stats.aheadOpen = this.all.size;
    r.left++;
    e.stats.aheadTried++;
    const op = e.spare();
    op.node = node;
    node.busy++;
    op.opened = ahead;
    op.newFid = fid;
    op.newFidMade = false;
    op.size = 0;
    e.req.walk1(e.call(op, T.walk, onWalked), dir.fid, fid, node.name);
    e.req.lopen(e.call(op, T.lopen, onOpened), fid, O_RDONLY);
    if (node.size === 0 || node.version === 0 || node.cachedVersion === node.version) return;
    op.size = node.size;
    this.due += node.size | 0;
    // One byte more than is known of: a file that has grown shows.
    e.req.read(T.read, e.call(op, T.read, onRead), fid, 0, 0, node.size + 1);
  }

  /** The last reply of one is here. */
  settled(e: Engine, op: Op, ahead: Ahead): void {
    // A small integer, as above: sizes in general are too large for one, and V8 gives the field another form at the first that is.
    this.due -= op.size | 0;
    if (ahead.state === 'failed' || ahead.node.ahead !== ahead) {
      this.forget(e, ahead);
      if (op.newFidMade) e.clunk(op.newFid);
      else e.fids.give(op.newFid);
    } else ahead.state = 'ready';
    const { waiter } = ahead;
    ahead.waiter = undefined;
    if (waiter === undefined) return;
    const again = waiter.goOn as Step;
    waiter.goOn = undefined;
    waiter.held = false;
    if (!waiter.done) again(e, waiter);
    e.release(waiter);
  }

  /** Gives one up: something was changed, or nobody came for it. */
  drop(e: Engine, ahead: Ahead): void {
    const { state } = ahead;
    this.forget(e, ahead);
    // One that is still being opened is closed when the last of its replies is here.
    if (state === 'ready') e.clunk(ahead.fid);
    else ahead.state = 'failed';
  }

  /** Gives up all of a folder's. */
  dropIn(e: Engine, dir: Node): void {
    for (const ahead of this.all) if (ahead.node.parent === dir) this.drop(e, ahead);
  }

  private forget(e: Engine, ahead: Ahead): void {
    const { node } = ahead;
    if (!this.all.delete(ahead)) return;
    e.stats.aheadOpen = this.all.size;
    if (node.ahead === ahead) node.ahead = undefined;
    const readers = node.parent?.readers;
    if (readers !== undefined && readers.left > 0) readers.left--;
  }

  /** What no program came for holds a file of the server's open. */
  private sweep(e: Engine): void {
    this.timer = undefined;
    if (e.isEnded) return;
    e.now = performance.now();
    for (const ahead of this.all) {
      if (ahead.waiter === undefined && !e.policy.aheadIsGood(ahead.at, e.now)) this.drop(e, ahead);
    }
    if (this.all.size > 0) this.timer = setTimeout(() => this.sweep(e), 1500);
    e.settleTurn();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}

/** Where the entry behind `name` begins in a listing; its end when the name is not there. */
function after(listing: Buffer, dv: DataView, name: string): number {
  const pos = findEntry(listing, dv, name);
  return pos < 0 ? listing.length : entryEnd(dv, pos, listing.length);
}

function onWalked(_e: Engine, op: Op, err: number): void {
  if (err !== 0) (op.opened as Ahead).state = 'failed';
  else op.newFidMade = true;
}

/** Rlopen: qid[13] iounit[4]. Another object, or one that has changed since it was listed, is left to an open in its own time. */
function onOpened(e: Engine, op: Op, err: number, r: Reply): void {
  const ahead = op.opened as Ahead;
  const { node } = ahead;
  const { dv, pos } = r;
  const same =
    err === 0 &&
    node.is(dv.getUint32(pos + 5, true), dv.getUint32(pos + 9, true)) &&
    dv.getUint32(pos + 1, true) === node.version;
  if (same) ahead.version = node.version;
  else ahead.state = 'failed';
  if (op.waiting === 0) e.ahead.settled(e, op, ahead);
}

/** Rread of the whole file: into the kernel's page cache. Nobody can hold one of its pages and wait for us, because the file is not open anywhere. */
function onRead(e: Engine, op: Op, err: number, r: Reply): void {
  const ahead = op.opened as Ahead;
  const { node } = ahead;
  const n = r.end - r.pos - 4;
  if (err === 0 && ahead.state === 'asked' && node.ahead === ahead) {
    const whole = n === op.size && node.size === n && node.handles === undefined && !node.opening;
    if (whole) {
      const at = putNotifyStore(e.inputMem.dv, r.pos + 4, NOTIFY_STORE, node.id, 0, n);
      if (e.notify(e.inputMem, at, NOTIFY_STORE_HEAD + n) === 0) {
        e.stats.readBytes += n;
        e.policy.onStored(node, ahead.version);
      }
    }
  }
  e.ahead.settled(e, op, ahead);
}
