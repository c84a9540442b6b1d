// SPDX-License-Identifier: MIT

import { S_IFDIR } from '../base/stat.ts';
import type { Engine } from './engine.ts';
import { withFolder } from './fids.ts';
import { Listing } from './listing.ts';
import type { Node } from './node.ts';
import type { Op, Step } from './op.ts';
import { prefetch, trueAt } from './prefetch.ts';
import { waitAmong } from './wait.ts';

/** Descents in a row that look like a program which goes through the whole tree (find, grep -r, git status). */
const WALKING = 2;
const MOST = 6;
/** Folders of one listing that are asked for ahead. */
const FOLDERS = 16;
/** Bytes of the first batch of each: most folders whole. */
const BATCH = 64 * 1024;

/**
 * A program that goes through a tree opens the folders that it just found. When it has done so a few times, what is in the folders of each listing is asked for along with it, and
 * the program finds it here. How far the walk has shown itself is counted up by each descent and down by each open of a folder elsewhere.
 */
export class WalkAhead {
  private score = 0;

  /** A program opens `dir` to list it. */
  opened(e: Engine, dir: Node): void {
    dir.past.listedAt = e.now;
    const descent = dir.parent !== undefined && e.now - dir.parent.past.listedAt < 2000;
    this.score = descent ? Math.min(MOST, this.score + 1) : Math.max(0, this.score - 1);
  }

  get isWalk(): boolean {
    return this.score >= WALKING;
  }

  /** `given`: what the kernel was just told of, in one listing of `dir`. */
  listed(e: Engine, given: readonly Node[]): void {
    if (!this.isWalk || !e.canReaddirplus || e.policy.entryMs <= 0) return;
    let left = FOLDERS;
    for (const node of given) {
      if (node.kind !== S_IFDIR || left === 0) continue;
      const { entries } = node;
      if (entries !== undefined && e.policy.entryLeft(trueAt(e, node, entries), e.now) > 0) continue;
      if (!e.mayPrefetch()) return;
      left--;
      const op = e.spare();
      op.node = node;
      node.busy++;
      withFolder(e, op, node, fetchFolder);
      e.release(op);
    }
  }
}

const fetchFolder: Step = (e, op) => {
  const dir = op.node as Node;
  e.recent.drop(dir);
  prefetch(e, dir, op.fid, BATCH);
};

/**
 * Opens a folder from what is remembered of it: no fid, and a listing that is complete. Undefined: it must be opened at the server. A folder that is on its way already
 * is waited for.
 */
export function listingFromMemory(e: Engine, dir: Node): Listing | undefined {
  const cache = dir.entries;
  const data = cache?.listing;
  if (cache === undefined || data === undefined || dir.changedAt >= cache.at) return undefined;
  const at = trueAt(e, dir, cache);
  if (e.policy.entryLeft(at, e.now) <= 0) return undefined;
  const l = new Listing();
  l.data = data;
  l.dv = new DataView(data.buffer, data.byteOffset, data.byteLength);
  l.plus = true;
  l.from = cache;
  l.at = at;
  l.asked = cache.at;
  l.watch = cache.watch;
  l.ended = true;
  return l;
}

/** Has `op` wait when the folder's listing is on its way. */
export function waitsForListing(dir: Node, op: Op, again: Step): boolean {
  const cache = dir.entries;
  if (cache === undefined || !cache.fetching || cache.batches.length > 0) return false;
  waitAmong(cache.waiters, op, again);
  return true;
}
