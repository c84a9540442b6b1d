// SPDX-License-Identifier: MIT

import { BY_TYPE, T } from '../p9/messages.ts';

/** Counters of one connection, for `--stats` and for sessions' lists. */
export class Stats {
  readonly since = Date.now();
  requests = 0;
  errors = 0;
  bytesIn = 0;
  bytesOut = 0;
  slow = 0;
  /** Called after replies have gone out: whoever tells these counters on need not wake up while nothing happens. */
  replied: (() => void) | undefined;
  private readonly byType = new Uint32Array(256);
  private readonly heads = new Float64Array(256);
  private readonly notes: string[] = [];

  /** Bytes of files that went out. */
  get read(): number {
    return this.heads[T.read + 1] as number;
  }

  /** Bytes of files that came in. */
  get written(): number {
    return this.heads[T.write + 1] as number;
  }

  count(type: number): void {
    this.byType[type] = (this.byType[type] as number) + 1;
  }

  /**
   * `head`: the first 4 bytes of the reply's body, which in Rread and Rwrite are count[4]. Added up for every type, as nobody looks at the others' sums: a branch that is not taken in a rehearsal makes V8 throw
   * the code away when it is.
   */
  countReply(type: number, head: number): void {
    this.heads[type] = (this.heads[type] as number) + head;
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
