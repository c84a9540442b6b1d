// SPDX-License-Identifier: MIT

import type { DirCache } from './dir-cache.ts';
import type { Op } from './op.ts';

/**
 * How far an open folder has been read: what the server sent and the kernel has not taken yet. Positions are the server's opaque 64-bit offsets, in halves.
 */
export class Listing {
  /** Payload of Rreaddir or Rreaddirplus, entries from `pos` on are still to be given. Kept until the next batch comes, or the end was told. */
  data: Buffer | undefined;
  dv: DataView | undefined;
  plus = false;
  /** What was remembered, when it is given from that. */
  from: DirCache | undefined;
  /** The kernel keeps what it gets of it. */
  shows = false;
  /** When the batch was asked for, ms. */
  asked = 0;
  /** As of when it is known to be true: the same, or later where it was remembered of a watched folder. */
  at = 0;
  /** The folder's watch at that time. */
  watch = 0;
  pos = 0;
  /** Where in `data` the last reply to the kernel began. */
  replyPos = 0;
  /** All of `data` was given once. */
  usedUp = false;
  /** The offset that the kernel must ask for to get the entry at `pos`. */
  nextLo = 0;
  nextHi = 0;
  /** The offset after the last entry of `data`: where to go on. */
  lastLo = 0;
  lastHi = 0;
  /** The server has said that nothing follows. */
  ended = false;
  /** A request is under way. */
  fetching = false;
  /** Who waits for it. */
  waiter: Op | undefined;
  /** Batches since the beginning, and one offset seen among them: an endless loop comes past it again (Brent's method). */
  batches = 0;
  markLo = 0;
  markHi = 0;
  nextMark = 1;
  /** Batches in a row of which nothing could be shown. */
  barren = 0;
  errno = 0;

  /** Entries of `data` are still to be given. */
  get left(): boolean {
    return this.data !== undefined && this.pos < this.data.length;
  }

  /** Begins anew at an offset. */
  rewind(lo: number, hi: number): void {
    this.data = undefined;
    this.dv = undefined;
    this.pos = 0;
    this.replyPos = 0;
    this.nextLo = lo;
    this.nextHi = hi;
    this.lastLo = lo;
    this.lastHi = hi;
    this.ended = false;
    this.batches = 0;
    this.markLo = lo;
    this.markHi = hi;
    this.nextMark = 1;
    this.barren = 0;
    this.errno = 0;
  }

  /** Notes that a batch ended at an offset. False: the listing runs in a circle. */
  movedTo(lo: number, hi: number): boolean {
    if (lo === this.markLo && hi === this.markHi) return false;
    this.batches++;
    if (this.batches === this.nextMark) {
      this.markLo = lo;
      this.markHi = hi;
      this.nextMark *= 2;
    }
    return true;
  }
}
