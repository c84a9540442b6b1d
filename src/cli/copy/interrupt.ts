// SPDX-License-Identifier: MIT

import { constants } from 'node:os';
import { NinefoldError } from '../../base/error.ts';
import { notedOnce } from '../../linux/signals.ts';
import { transferError } from './outcome.ts';
import type { Watcher } from './report-progress.ts';

export interface Interruptible {
  readonly watcher: Watcher;
  /** The error to tell of: of a transfer that Ctrl-C has ended, that. The same key may have ended the receiver, too, and its end have been noticed first. */
  readonly judged: (error: unknown) => unknown;
  readonly release: () => void;
}

/**
 * Ctrl-C during a transfer, which is one blocking loop: it ends with COPY_CANCELLED, as soon as the watcher is asked. What was confirmed by then goes on to its end, and a second Ctrl-C
 * ends everything at once. `now`: from here on; else from the first bytes on, for until then a person is asked, who may leave by the same key.
 */
export function interruptible(watcher: Watcher, now: boolean): Interruptible {
  const listener = (): void => {};
  let noted: (() => boolean) | undefined;
  const listen = (): (() => boolean) => {
    process.on('SIGINT', listener);
    return notedOnce(constants.signals.SIGINT);
  };
  if (now) noted = listen();
  const cancelled = (): boolean => noted?.() === true;
  return {
    watcher: {
      ...watcher,
      bytes(bytes) {
        noted ??= listen();
        return watcher.bytes(bytes) && !cancelled();
      },
      tick() {
        watcher.tick();
        if (!cancelled()) return;
        watcher.done();
        throw transferError({ kind: 'cancelled' });
      },
    },
    judged: (error) =>
      cancelled() && error instanceof NinefoldError && /^COPY_(CLOSED|BROKEN)$/.test(error.code)
        ? transferError({ kind: 'cancelled' })
        : error,
    release: () => process.off('SIGINT', listener),
  };
}
