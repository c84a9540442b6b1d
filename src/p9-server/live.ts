// SPDX-License-Identifier: MIT

import type { Writer } from '../p9/coder.ts';
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
