// SPDX-License-Identifier: MIT

import { Socket } from 'node:net';
import { Relay } from '../transport/relay.ts';
import type { TransportSys } from '../transport/sys.ts';
import { pairOf } from './pair.ts';

/** A call's own words are short. */
const BUFFER = 16 * 1024;
/** How often an idle one is looked at: a session must end within a second. */
const LOOK_MAX_MS = 50;

/** A connected stream socket as one of Node's. `allowHalfOpen`: as of `Socket`. `fd` is taken over. Throws NinefoldError NO_CHANNEL (exit 71); then it is closed. */
export const nodeSocket = (sys: TransportSys, fd: number, allowHalfOpen = false): Socket =>
  new Socket({ fd: nodeFd(sys, fd), allowHalfOpen });

/**
 * A descriptor that Node can make a `Socket` of: it knows no vsock, so that is carried over to a Unix socket here, by looks that grow rare while nothing happens. For calls and their ends; what
 * is long goes by descriptor. `fd` is taken over. Throws NinefoldError NO_CHANNEL (exit 71); then it is closed.
 */
export function nodeFd(sys: TransportSys, fd: number): number {
  if (sys.peerCid(fd) < 0) return fd;
  const [ours, theirs] = pairOf(sys, fd);
  const both = (one: number): { readFd: number; writeFd: number } => ({ readFd: one, writeFd: one });
  const relay = new Relay(sys, both(fd), both(theirs), BUFFER);
  let pause = 1;
  const look = (): void => {
    const moved = relay.turn(0);
    if (moved < 0) {
      sys.close(fd);
      sys.close(theirs);
      return;
    }
    pause = moved > 0 ? 1 : Math.min(pause * 2, LOOK_MAX_MS);
    setTimeout(look, pause);
  };
  setTimeout(look, 0);
  return ours;
}
