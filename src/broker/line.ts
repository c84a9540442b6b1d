// SPDX-License-Identifier: MIT

import { setTimeout as sleep } from 'node:timers/promises';
import { EAGAIN, EINTR } from '../base/errno.ts';
import { POLLIN } from '../base/sys.ts';
import type { TransportSys } from '../transport/sys.ts';
import { waitFor } from '../transport/wait.ts';

/**
 * One line of a descriptor, without its newline. Byte by byte, because what follows is somebody else's to read. undefined: none came in time, the end came first, or it has more
 * than `max` bytes.
 */
export async function readLineExactly(
  sys: Pick<TransportSys, 'alloc' | 'poll' | 'read'>,
  fd: number,
  max: number,
  patienceMs: number,
): Promise<Uint8Array | undefined> {
  const mem = sys.alloc(max + 1);
  const deadline = performance.now() + patienceMs;
  for (let got = 0; got <= max; ) {
    if (!(await waitFor(sys, fd, POLLIN, deadline))) return undefined;
    const n = sys.read(fd, mem, got, 1);
    if (n === -EINTR) continue;
    if (n === -EAGAIN) {
      // Somebody else has read it: who does so again and again must not keep us from all other work.
      await sleep(1);
      if (performance.now() > deadline) return undefined;
      continue;
    }
    if (n <= 0) return undefined;
    if (mem.u8[got] === 0x0a) return mem.u8.slice(0, got);
    got++;
  }
  return undefined;
}
