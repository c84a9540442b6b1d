// SPDX-License-Identifier: MIT

import type { Mem } from '../base/mem.ts';
import type { Writer } from '../p9/coder.ts';
import type { Msg } from '../p9/msg.ts';
import type { FileRun } from './outgoing.ts';

/** A handler's answer: the body is written. */
export const REPLIED = 0;
/** A handler's answer: the reply comes later, through the `Deferred` that it took. */
export const DEFERRED = 1;

/**
 * What a connection serves: a folder, or a tree that a program makes. The connection does framing, Tversion, Tflush, tags, back-pressure and
 * errors; the backend answers the rest.
 */
export interface Backend {
  /** Requests take effect in the order in which they come: the promise of VERSION_EXT. */
  readonly ordered: boolean;
  /** It hears of things that the peer is to know before the next reply: nothing is answered before whoever brings such news had a turn. */
  readonly hearsOthers: boolean;
  /** The largest reply to `m` in bytes, header included: as much is free in the writer when `handle` is called. */
  need(m: Msg, msize: number): number;
  /**
   * Answers one request: writes the reply's body at `w.pos` (the header is written around it) and returns REPLIED, or a negative errno (what was
   * written is dropped), or DEFERRED.
   */
  handle(m: Msg, w: Writer, wire: Wire): number;
  /** Tversion or the end: every fid is dropped, every lock released. Deferred requests are answered to nobody. */
  reset(): void;
}

/** The memory that a request came in and that its reply goes out of, so that file data moves between them and files without a copy. */
export interface Wire {
  /** `m.data` lies in here, at `m.data.off`. */
  readonly input: Mem;
  /** `w` writes here, at `w.pos`. */
  readonly out: Mem;
  /** Whether a reply may end with bytes of a file. */
  readonly sendsFiles: boolean;
  /** The reply ends with these, behind what `w` has by now: the last thing to do before REPLIED. */
  endWith(run: FileRun): void;
  /** Takes the present request out of the turn; its reply is sent with the handle that this returns. */
  defer(): Deferred;
}

export interface Deferred {
  /** The request was flushed or the session was reset: nobody waits for the reply. */
  readonly cancelled: boolean;
  /** Sends the reply: `body` writes it, or returns a negative errno. Call once, from Node's event loop. */
  reply(need: number, body: (w: Writer) => number): void;
}
