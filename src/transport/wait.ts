// SPDX-License-Identifier: MIT

import { setTimeout as sleep } from 'node:timers/promises';
import { EINTR } from '../base/errno.ts';
import type { TransportSys } from './sys.ts';

/**
 * Waits until `fd` has one of `events` (POLLIN, POLLOUT) or `deadline` (performance.now() ms) has passed: true or false. Looks often at first and
 * every 16 ms later: a conversation begins once, so this costs nothing that matters, and Node's event loop stays free for signals.
 */
export async function waitFor(
  sys: Pick<TransportSys, 'alloc' | 'poll'>,
  fd: number,
  events: number,
  deadline: number,
): Promise<boolean> {
  const pollfd = sys.alloc(8);
  pollfd.dv.setInt32(0, fd, true);
  for (let pause = 1; ; pause = Math.min(pause * 2, 16)) {
    pollfd.dv.setUint32(4, events, true);
    const ready = sys.poll(pollfd, 1, 0);
    if (ready > 0) return true;
    if (ready < 0 && ready !== -EINTR) return true;
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await sleep(Math.min(pause, left));
  }
}
