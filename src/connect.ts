// SPDX-License-Identifier: MIT

import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { P9Files } from './p9-client/files.ts';
import type { PeerChannel } from './serve.ts';

/**
 * Connects to a 9P2000.L server at the other end of a stream or socket descriptor, and attaches.
 *
 * `uid`: who to act as, where the server lets clients choose; default: the calling user. Rejects with NinefoldError NOT_9P when the peer does not speak
 * 9P2000.L, CONNECTION_LOST when it goes away. `close()` of the result ends the connection (and destroys the stream).
 */
export function connect(
  peer: PeerChannel,
  how: { uname?: string; aname?: string; uid?: number; msize?: number } = {},
): Promise<P9Files> {
  const uid = how.uid ?? process.getuid?.();
  const stream = 'readFd' in peer ? socketOf(peer) : peer;
  return P9Files.connect(stream, { ...how, ...(uid === undefined ? {} : { uid }) });
}

/** One socket, or a pair of pipes. */
function socketOf({ readFd, writeFd }: { readFd: number; writeFd: number }): Duplex {
  const input = new Socket({ fd: readFd, readable: true, writable: readFd === writeFd });
  if (readFd === writeFd) return input;
  return Duplex.from({
    readable: input,
    writable: new Socket({ fd: writeFd, readable: false, writable: true }),
  });
}
