// SPDX-License-Identifier: MIT

import type { Socket } from 'node:net';
import { POLLIN } from '../base/sys.ts';
import { waitFor } from '../transport/wait.ts';
import type { BrokerSys } from './sys.ts';

/**
 * A control connection (Unix socket), the same from a client to the broker and from the broker to an agent: one byte with a descriptor, which is the service's standard input and
 * output; one line of JSON, the call; and back, at the end, one line of JSON: `{"exit":0,"words":""}`.
 */

const FIRST_MS = 10_000;

/** The descriptor that begins a control connection; negative: none came. The caller closes it. */
export async function takeData(sys: BrokerSys, control: number, patienceMs = FIRST_MS): Promise<number> {
  const there = await waitFor(sys, control, POLLIN, performance.now() + patienceMs);
  return there ? sys.recvFd(control) : -1;
}

/** One line; undefined when the end comes first, or more than `max` bytes, or `patienceMs` have passed (none: it waits). */
export function readLineOf(socket: Socket, max: number, patienceMs?: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const onData = (part: Buffer): void => {
      text += part.toString('latin1');
      const newline = text.indexOf('\n');
      if (newline >= 0) finish(Buffer.from(text.slice(0, newline), 'latin1').toString('utf8'));
      else if (text.length > max) finish(undefined);
    };
    const none = (): void => finish(undefined);
    const finish = (line: string | undefined): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('end', none).off('close', none);
      resolve(line);
    };
    const timer = patienceMs === undefined ? undefined : setTimeout(none, patienceMs);
    socket.on('data', onData).once('end', none).once('close', none);
  });
}

/** One line after the other, each as `readLineOf` has one; listens to the socket from now on, and undefined is the last. One `next` at a time. */
export function linesOf(socket: Socket, max: number): { next(): Promise<string | undefined> } {
  let bytes = Buffer.alloc(0);
  let over = false;
  let wake = (): void => {};
  socket.on('data', (part: Buffer) => {
    if (over) return;
    bytes = Buffer.concat([bytes, part]);
    // Several may have come together; one alone has no more than `max` bytes.
    over = bytes.length > max && !bytes.includes(0x0a);
    wake();
  });
  const end = (): void => {
    over = true;
    wake();
  };
  socket.once('end', end).once('close', end);
  return {
    async next() {
      for (;;) {
        const newline = bytes.indexOf(0x0a);
        if (newline >= 0) {
          const line = bytes.subarray(0, newline).toString('utf8');
          bytes = bytes.subarray(newline + 1);
          return line;
        }
        if (over) return undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
