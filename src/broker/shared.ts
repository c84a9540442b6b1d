// SPDX-License-Identifier: MIT

import { setTimeout as sleep } from 'node:timers/promises';
import { EAGAIN, EINTR } from '../base/errno.ts';
import { POLLIN, POLLOUT } from '../base/sys.ts';
import { waitFor } from '../transport/wait.ts';
import { readLineExactly } from './line.ts';
import type { BrokerSys } from './sys.ts';

/**
 * Reading and writing sockets that others have, too: what a machine has passed is the same open file description there and here, and O_NONBLOCK is a flag of that. Whoever clears it would have
 * a read(2) or write(2) of ours wait for ever, and with it all machines. So no call here waits in the kernel, whatever the flags are: a machine delays itself alone.
 */
type SharedSys = Pick<BrokerSys, 'alloc' | 'poll' | 'send' | 'recv'>;

const AGAIN_MS = 2;

/** As `readLineExactly`. */
export const readLineShared = (
  sys: SharedSys,
  fd: number,
  max: number,
  patienceMs: number,
): Promise<Uint8Array | undefined> =>
  readLineExactly({ alloc: sys.alloc, poll: sys.poll, read: sys.recv }, fd, max, patienceMs);

/** To the end, or `max` bytes and one more; what has not ended in time is taken as it is, and is malformed then. */
export async function readAllShared(
  sys: SharedSys,
  fd: number,
  max: number,
  patienceMs: number,
): Promise<Uint8Array> {
  const mem = sys.alloc(max + 1);
  const deadline = performance.now() + patienceMs;
  let got = 0;
  while (got <= max && (await waitFor(sys, fd, POLLIN, deadline))) {
    const n = sys.recv(fd, mem, got, max + 1 - got);
    if (n > 0) got += n;
    else if (n === -EAGAIN && performance.now() < deadline) await sleep(AGAIN_MS);
    else if (n !== -EINTR) break;
  }
  return mem.u8.slice(0, got);
}

/** All of it, unless the other side goes, or does not take it in time: false. */
export async function sendShared(
  sys: SharedSys,
  fd: number,
  bytes: Uint8Array,
  patienceMs: number,
): Promise<boolean> {
  const mem = sys.alloc(Math.max(bytes.length, 1));
  mem.u8.set(bytes);
  const deadline = performance.now() + patienceMs;
  for (let at = 0; at < bytes.length; ) {
    if (!(await waitFor(sys, fd, POLLOUT, deadline))) return false;
    const n = sys.send(fd, mem, at, bytes.length - at);
    if (n >= 0) at += n;
    else if (n === -EAGAIN && performance.now() < deadline) await sleep(AGAIN_MS);
    else if (n !== -EINTR) return false;
  }
  return true;
}
