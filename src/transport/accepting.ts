// SPDX-License-Identifier: MIT

import { EAGAIN, ECONNABORTED, EINTR } from '../base/errno.ts';
import { because } from '../base/error.ts';
import { POLLIN } from '../base/sys.ts';
import { type Watch, yieldToNode } from '../base/turns.ts';
import type { Listener } from './listener.ts';
import type { TransportSys } from './sys.ts';

/** Connections taken in one turn, so that a flood of them leaves room for signals and finished workers. */
const ACCEPTS_PER_TURN = 8;
/** How long nobody is let in when that is not possible (no descriptors left, no memory): whoever waits goes on waiting, and poll(2) would tell of them without end. Milliseconds. */
const REST_MS = 500;

/**
 * What a loop watches to let callers in. `take` gets each connection's descriptor and closes it; what it starts may be Node's own work. `warn`: one line each time that
 * nobody can be let in for a while.
 */
export function acceptor(
  sys: Pick<TransportSys, 'accept'>,
  listener: Pick<Listener, 'fd' | 'label'>,
  take: (fd: number) => void,
  warn: (line: string) => void,
): Watch {
  const watch: Watch = {
    fd: listener.fd,
    events: POLLIN,
    turn: () => {
      yieldToNode();
      for (let i = 0; i < ACCEPTS_PER_TURN; i++) {
        const fd = sys.accept(listener.fd);
        if (fd >= 0) take(fd);
        else if (fd === -EAGAIN) return;
        else if (fd !== -ECONNABORTED && fd !== -EINTR) {
          warn(`cannot accept a connection on ${listener.label}: ${because(fd)}`);
          watch.events = 0;
          setTimeout(() => {
            watch.events = POLLIN;
          }, REST_MS);
          return;
        }
      }
    },
  };
  return watch;
}
