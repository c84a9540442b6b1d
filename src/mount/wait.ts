// SPDX-License-Identifier: MIT

import type { Engine } from './engine.ts';
import type { Op, Step } from './op.ts';

/** Has `op` wait among `waiters`; `again` goes on with it. It is not used again before `resume` has gone through it, even if its caller is killed meanwhile. */
export function waitAmong(waiters: Op[], op: Op, again: Step): void {
  op.goOn = again;
  op.held = true;
  waiters.push(op);
}

/** Goes on with all that wait, and leaves nobody. */
export function resume(e: Engine, waiters: Op[]): void {
  for (const w of waiters.splice(0)) {
    const again = w.goOn as Step;
    w.goOn = undefined;
    w.held = false;
    if (!w.done) again(e, w);
    e.release(w);
  }
}
