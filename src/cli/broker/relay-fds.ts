// SPDX-License-Identifier: MIT

import { relay } from '../../transport/relay.ts';
import { openTransportSys } from '../wiring.ts';

/** The other side's socket, beside standard input and output. */
const THERE = 3;

/** Carries bytes between standard input and output and descriptor 3, to the end of both. A signal ends it. */
export function relayFds(): void {
  relay(openTransportSys(), { readFd: 0, writeFd: 1 }, { readFd: THERE, writeFd: THERE });
}
