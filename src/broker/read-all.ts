// SPDX-License-Identifier: MIT

import type { Socket } from 'node:net';

/** To the end, or `max` bytes and one more; what has not ended in time is taken as it is, and is malformed then. */
export function readAll(socket: Socket, max: number, patienceMs: number): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let size = 0;
    const finish = (): void => {
      clearTimeout(timer);
      socket.removeAllListeners('data').pause();
      resolve(Buffer.concat(parts).subarray(0, max + 1));
    };
    const timer = setTimeout(finish, patienceMs);
    socket.on('data', (part: Buffer) => {
      parts.push(part);
      size += part.length;
      if (size > max) finish();
    });
    socket.once('end', finish).once('close', finish);
  });
}
