// SPDX-License-Identifier: MIT

import { EIO } from '../base/errno.ts';
import { FuseAttr } from '../fuse-abi/index.ts';
import type { DirCache } from './dir-cache.ts';
import type { Engine } from './engine.ts';
import type { Handle } from './handle.ts';
import type { Node } from './node.ts';
import type { Op, Step } from './op.ts';
import { resume, waitAmong } from './wait.ts';

/**
 * Lists the folder at `path` (bytes as latin1, from the mount point on, `/a/b`) through the mount, on another thread, and calls `done` when that is over or could not be. Nothing else is wanted of it.
 */
export type ListFolder = (path: string, done: () => void) => void;

/** Whether the thread with this id, as the kernel tells it in a request, is one of this process: the lists' own. */
export type IsOwnThread = (id: number) => boolean;

/** A folder of fewer names is not worth it. */
const FEWEST = 4;
/** Folders that are being listed or wait for it. */
const MOST = 32;
/** Lookups wait for a listing so long at the most. Milliseconds. */
const PATIENCE_MS = 30;
/** A listing that came too late met with something that held the folder locked, or with a busy machine. None is tried for so long then, and each time after that for twice as long, until one comes in time. Milliseconds. */
const REST_MS = 250;
const LONGEST_REST_MS = 8000;
/** Nor in a folder that was changed through this mount so short a time ago: whoever changes it locks it. Milliseconds. */
const SETTLED_MS = 2000;
/** In one of so many folders the lookups are counted instead. */
const SAMPLE = 32;

/** One folder whose names the kernel is being given. */
export interface Fill {
  /** Lookups that wait for it. */
  readonly held: Op[];
  /** Their names. The kernel knows that it is looking for them, and a listing that brought them would wait for the lookup to end. */
  readonly names: Set<string>;
  /** When it began, ms. */
  readonly since: number;
  /** The names have been given. */
  given: boolean;
}

/**
 * The kernel asks for names one by one (LOOKUP), and takes many at once only in a listing (READDIRPLUS). So when a program looks up one name after the other (git status, make), the mount has a thread
 * of its own list the folder meanwhile, and the kernel then knows its names without asking: five requests for each folder instead of one for each file.
 *
 * The lookups that come before the listing are answered after it, or they would be asked one by one while it is under way. A lookup holds its folder locked for those who change it, and the
 * listing waits behind them: so none waits long, and after one that waited in vain there is a rest.
 */
export class Fills {
  private readonly list: ListFolder | undefined;
  /** Folders whose names have not been given yet, oldest first. */
  private readonly open = new Map<Fill, Node>();
  private patience: NodeJS.Timeout | undefined;
  /** Listings that have not come back, of folders that may have been given up meanwhile. */
  private underWay = 0;
  private restUntil = -Infinity;
  private rest = REST_MS;
  private count = 0;
  private readonly isOwn: IsOwnThread;
  private sweeper: NodeJS.Timeout | undefined;
  /** Requests of our own threads that waited at the last sweep. */
  private waited = new Set<number>();

  /** `list` undefined: nothing is ever filled. */
  constructor(list: ListFolder | undefined, isOwn: IsOwnThread = () => false) {
    this.list = list;
    this.isOwn = isOwn;
  }

  /** Whether the lookup `op` in `dir`, which could be answered from `cache`, is to wait for the names of the folder to be given. `again` goes on with it. */
  holds(e: Engine, op: Op, dir: Node, cache: DirCache, again: Step): boolean {
    const fill = dir.fill ?? this.begin(e, dir, cache);
    if (fill === undefined || fill.given) return false;
    waitAmong(fill.held, op, again);
    fill.names.add(op.name);
    return true;
  }

  private begin(e: Engine, dir: Node, cache: DirCache): Fill | undefined {
    const { list } = this;
    if (e.now - cache.filledAt < e.policy.entryMs) return undefined;
    const path = this.mayFill(e, dir, cache) ? pathOf(e, dir) : undefined;
    if (path !== undefined) cache.filledAt = e.now;
    if (list === undefined || path === undefined || ++this.count % SAMPLE === 0) {
      e.recent.tried(cache);
      return undefined;
    }
    // How many lookups this saves is not seen here.
    e.recent.untried(cache);
    const fill: Fill = { held: [], names: new Set(), since: e.now, given: false };
    dir.fill = fill;
    this.open.set(fill, dir);
    this.patience ??= setTimeout(() => this.lose(e), PATIENCE_MS);
    this.underWay++;
    e.stats.filled++;
    this.sweeper ??= setInterval(() => this.sweep(e), PATIENCE_MS);
    list(path, () => {
      if (--this.underWay === 0) this.stop();
      e.now = performance.now();
      this.end(e, dir, fill);
    });
    return fill;
  }

  /** Patience with the oldest is at an end; or it was long since given, and it is another's turn to be waited for. */
  private lose(e: Engine): void {
    this.patience = undefined;
    e.now = performance.now();
    for (const [fill, dir] of this.open) {
      const left = fill.since + PATIENCE_MS - e.now;
      if (left > 0) {
        this.patience = setTimeout(() => this.lose(e), left);
        return;
      }
      if (!fill.given) this.wasInVain(e.now);
      this.end(e, dir, fill);
    }
  }

  private wasInVain(now: number): void {
    // Several at one time are one time.
    if (now < this.restUntil) return;
    this.restUntil = now + this.rest;
    this.rest = Math.min(this.rest * 2, LONGEST_REST_MS);
  }

  private mayFill(e: Engine, dir: Node, cache: DirCache): boolean {
    if (cache.listing === undefined || cache.names < FEWEST || this.underWay >= MOST) return false;
    return e.now >= this.restUntil && (dir.changes === 0 || e.now - dir.changedAt >= SETTLED_MS);
  }

  /**
   * Our own threads never wait for a server that does not answer: an unmount would find the mount in use, and by us. Whatever of theirs has waited since the sweep before ends with EIO (after EINTR libuv would try again).
   */
  private sweep(e: Engine): void {
    const waiting = new Set<number>();
    for (const op of e.ops) {
      if (!op.active || op.done || op.pid === 0 || !this.isOwn(op.pid)) continue;
      if (this.waited.has(op.uniqueLo)) e.interrupts.give(op, EIO);
      else waiting.add(op.uniqueLo);
    }
    this.waited = waiting;
    e.settleTurn();
  }

  stop(): void {
    clearTimeout(this.patience);
    clearInterval(this.sweeper);
    this.patience = this.sweeper = undefined;
    this.waited.clear();
  }

  /** A folder that is being filled was opened: by us, as far as can be told. */
  opened(h: Handle): void {
    if (h.node.fill?.given === false) h.fill = h.node.fill;
  }

  /** All names were given, or will not be: those who waited are answered. What comes to this end later finds nothing left to do. */
  end(e: Engine, dir: Node, fill: Fill): void {
    if (!this.open.delete(fill)) return;
    if (fill.given) {
      this.rest = REST_MS;
      keepAttributes(e, dir);
    }
    fill.given = true;
    if (dir.fill === fill) dir.fill = undefined;
    if (e.isEnded) return;
    resume(e, fill.held);
    e.settleTurn();
  }
}

/**
 * Because the folder was read, the kernel does not believe its time of access any more, and asks for the attributes at the next stat(2). But it was read from memory: what was said of the folder along with
 * its neighbours is as good as it was.
 */
function keepAttributes(e: Engine, dir: Node): void {
  const around = dir.parent?.entries;
  if (around === undefined || Math.max(dir.changedAt, dir.past.toldAt) >= around.at) return;
  const { attrs } = e;
  if (around.readAttrs(dir.name, attrs) && attrs.isOf(dir))
    dir.fresh = { at: around.at, attr: Object.assign(new FuseAttr(), attrs.fuse) };
}

/** Undefined: it, or a folder above it, has lost its name. */
function pathOf(e: Engine, dir: Node): string | undefined {
  let path = '';
  let n = dir;
  for (; n.parent !== undefined; n = n.parent) path = `/${n.name}${path}`;
  return n === e.nodes.root ? path : undefined;
}
