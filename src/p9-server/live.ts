// SPDX-License-Identifier: MIT

import type { Writer } from '../p9/coder.ts';
import { T } from '../p9/messages.ts';
import type { Deferred } from './backend.ts';

/** A request that is answered later: its tag is taken until then. */
export class LiveRequest implements Deferred {
  readonly tag: number;
  readonly type: number;
  /** Tags of Tflush that wait for this request's reply. */
  readonly flushers: number[] = [];
  cancelled = false;
  private readonly answer: (live: LiveRequest, need: number, body: (w: Writer) => number) => void;

  constructor(
    tag: number,
    type: number,
    answer: (live: LiveRequest, need: number, body: (w: Writer) => number) => void,
  ) {
    this.tag = tag;
    this.type = type;
    this.answer = answer;
  }

  reply(need: number, body: (w: Writer) => number): void {
    this.answer(this, need, body);
  }
}

/** For each request that may be under way, so many more calls may be that nobody waits for any more: a client whose programs were killed goes on, one that flushes for ever does not. */
const ABANDONED = 7;

/** The requests of a connection that wait for their reply, by tag. */
export class LiveRequests {
  private readonly byTag = new Map<number, LiveRequest>();
  /** Of those, how many wait for a disk: a Tchanges may wait for ever and costs nothing. */
  private slow = 0;
  /** Calls that still run although their request was flushed, or its session is over. */
  private abandoned = 0;

  /** Whether `most` are under way, so that no more may be taken on. */
  full(most: number): boolean {
    return this.slow >= most || this.slow + this.abandoned >= (1 + ABANDONED) * most;
  }

  /** Whether somebody waits for a reply that will come by itself. */
  get due(): boolean {
    return this.slow > 0;
  }

  add(live: LiveRequest): void {
    this.byTag.set(live.tag, live);
    if (live.type !== T.changes) this.slow++;
  }

  /** The request with that tag, or the one whose reply a Tflush of that tag waits for. */
  with(tag: number): LiveRequest | undefined {
    if (this.byTag.size === 0) return undefined;
    const live = this.byTag.get(tag);
    if (live !== undefined) return live;
    for (const other of this.byTag.values()) if (other.flushers.includes(tag)) return other;
    return undefined;
  }

  /** Its call has ended. */
  ended(live: LiveRequest): void {
    if (this.byTag.get(live.tag) === live) this.byTag.delete(live.tag);
    if (live.type === T.changes) return;
    if (live.cancelled) this.abandoned--;
    else this.slow--;
  }

  /** Nobody waits for it any more: its tag is free. */
  cancel(live: LiveRequest): void {
    live.cancelled = true;
    live.flushers.length = 0;
    this.byTag.delete(live.tag);
    if (live.type === T.changes) return;
    this.slow--;
    this.abandoned++;
  }

  cancelAll(): void {
    for (const live of [...this.byTag.values()]) this.cancel(live);
  }
}
