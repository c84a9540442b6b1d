// SPDX-License-Identifier: MIT

import { BY_TYPE } from '../p9/messages.ts';

/** Counters of one connection, for `--stats` and for sessions' lists. */
export class Stats {
  readonly since = Date.now();
  requests = 0;
  errors = 0;
  bytesIn = 0;
  bytesOut = 0;
  slow = 0;
  /** Bytes of files that went out and came in. */
  read = 0;
  written = 0;
  /** Called after replies have gone out: whoever tells these counters on need not wake up while nothing happens. */
  replied: (() => void) | undefined;
  private readonly byType = new Uint32Array(256);
  private readonly notes: string[] = [];

  count(type: number): void {
    this.byType[type] = (this.byType[type] as number) + 1;
  }

  /** Something to tell once at the end; at most a few are kept. */
  note(text: string): void {
    if (this.notes.length < 8) this.notes.push(text);
  }

  toJSON(): Record<string, unknown> {
    const operations: Record<string, number> = {};
    for (const [type, n] of this.byType.entries()) {
      if (n > 0) operations[BY_TYPE[type]?.name.slice(1) ?? String(type)] = n;
    }
    const { requests, errors, bytesIn, bytesOut, slow } = this;
    return {
      seconds: (Date.now() - this.since) / 1000,
      requests,
      errors,
      slow,
      bytesIn,
      bytesOut,
      operations,
      ...(this.notes.length > 0 ? { notes: this.notes } : {}),
    };
  }
}
