// SPDX-License-Identifier: MIT

import type { Engine } from './engine.ts';

/** So many wait for company at the most. */
const ENOUGH = 32;
/** And so long. Milliseconds. */
const LATE_MS = 50;

/**
 * Fids that are done with and whose Tclunk has not been sent. One of a file that was only read need not go at once: by itself it wakes the server for nothing else, and its reply us: a seventh
 * of the server's time in `grep -r`. It goes along with the next open, ahead of it, or with whatever else is sent. What was opened to be written is closed at once: the server's own programs may wait for that
 * (execve(2) of what is open to be written fails).
 */
export class Clunks {
  private readonly fids: number[] = [];
  private timer: NodeJS.Timeout | undefined;

  /** `fid` may wait. */
  later(e: Engine, fid: number): void {
    this.fids.push(fid);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (e.isEnded) return;
      this.drain(e);
      // There was no room for all of them.
      if (this.fids.length > 0) this.later(e, this.fids.pop() as number);
      e.settleTurn();
    }, LATE_MS);
  }

  /** The end of a turn. `going`: something will be sent. */
  settle(e: Engine, going: boolean): void {
    if (this.fids.length > 0 && (going || this.fids.length >= ENOUGH)) this.drain(e);
  }

  /** All that there is room for. */
  drain(e: Engine): void {
    while (this.fids.length > 0 && e.mayClunk()) e.sendClunk(this.fids.pop() as number);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
