// SPDX-License-Identifier: MIT

import type { DirCache } from './dir-cache.ts';
import type { Node } from './node.ts';

/** Folders whose entries are remembered at one time, the latest. */
const MAX_FOLDERS = 2048;
/** Bytes of entries that are remembered at one time. What is made to find names in them takes about as much again. */
const MAX_BYTES = 16 * 1024 * 1024;

/** After so many, what was counted before counts half. */
const FADES = 16;

/** Whose entries are remembered, so that the oldest go when there are too many. */
export class RecentFolders {
  /** Oldest first. */
  private readonly caches = new Map<DirCache, Node>();
  bytes = 0;

  /** How many folders were asked for as a whole for the sake of lookups, and how many lookups that saved; both fade. */
  private tries = 0;
  private hits = 0;

  /** Asking for whole folders has paid of late: a program goes through the tree, and the next folder may be asked for at the first lookup in it. */
  get pays(): boolean {
    // In this order, for the left side is what is looked at every time: what a rehearsal never comes to costs V8's code.
    return this.hits >= this.tries * 3 && this.tries >= 4;
  }

  /** Lookups will be answered from `cache`: counted once. */
  tried(cache: DirCache | undefined): void {
    if (cache === undefined || cache.counted) return;
    cache.counted = true;
    if (++this.tries < FADES) return;
    this.tries >>= 1;
    this.hits >>= 1;
  }

  /** It cannot be seen what `cache` saves. */
  untried(cache: DirCache): void {
    if (!cache.counted) return;
    this.tries = Math.max(0, this.tries - 1);
  }

  hit(): void {
    this.hits++;
  }

  get count(): number {
    return this.caches.size;
  }

  /** What `node.entries` is from now on. */
  put(node: Node, cache: DirCache): void {
    this.drop(node);
    node.entries = cache;
    this.caches.set(cache, node);
    this.bytes += cache.bytes;
    this.shrink(cache);
  }

  /** `bytes` more were added to a cache. */
  grew(cache: DirCache, bytes: number): void {
    // One that was dropped while they were on their way is not counted any more.
    if (!this.caches.has(cache)) return;
    this.bytes += bytes;
    this.shrink(cache);
  }

  /** Nothing is remembered of the folder from now on. */
  drop(node: Node): void {
    const cache = node.entries;
    node.entries = undefined;
    node.shown = undefined;
    if (cache !== undefined && this.caches.delete(cache)) this.bytes -= cache.bytes;
  }

  private shrink(kept: DirCache): void {
    for (const [cache, node] of this.caches) {
      if (this.bytes <= MAX_BYTES && this.caches.size <= MAX_FOLDERS) return;
      // Lookups wait for what is on its way.
      if (cache !== kept && !cache.fetching) this.drop(node);
    }
  }
}
