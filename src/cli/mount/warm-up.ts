// SPDX-License-Identifier: MIT

import type { Sys } from '../../base/sys.ts';
import type { WarmUp } from '../../base/warm-up.ts';
import { SOCK_SEQPACKET, SOCK_STREAM } from '../../linux/net.ts';
import { mountOptions, Rehearsal } from '../../mount/index.ts';
import { type Pair, warmUpOver } from '../warm-up.ts';

/**
 * Milliseconds of rehearsing a mount: until the optimizing compiler has been through what programs need most. With 300, 400, 500 and 600 of them `git status` over 15,000 files took 313, 312, 300 and 308 ms (means of
 * twelve in turn, bindfs 330).
 */
const TOTAL_MS = 500;

/** A rehearsal of the mount that is about to be made. */
export function mountWarmUp(sys: Sys): WarmUp | undefined {
  return warmUpOver(sys, [SOCK_SEQPACKET, SOCK_STREAM], TOTAL_MS, (pairs) => {
    const [device, wire] = pairs as [Pair, Pair];
    const rehearsal = new Rehearsal(sys, mountOptions(65536), { device, wire });
    return { play: (round) => rehearsal.round(round), end: () => rehearsal.end() };
  });
}
