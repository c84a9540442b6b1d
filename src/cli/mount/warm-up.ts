// SPDX-License-Identifier: MIT

import type { Sys } from '../../base/sys.ts';
import type { WarmUp } from '../../base/warm-up.ts';
import { SOCK_SEQPACKET, SOCK_STREAM } from '../../linux/net.ts';
import { mountOptions, Rehearsal } from '../../mount/index.ts';
import { type Pair, warmUpOver } from '../warm-up.ts';

/**
 * Milliseconds of rehearsing a mount: until the optimizing compiler has been through what programs need most. With 400, 600 and 800 of them `git status` over 15,000 files took 345, 324 and 321 ms (means of
 * ten or twenty in turn), where V8 thinks of optimizing as soon as now (`SOON` in data-plane-flags.ts); with five times that and 400 ms, 350.
 */
const TOTAL_MS = 600;

/** A rehearsal of the mount that is about to be made. */
export function mountWarmUp(sys: Sys): WarmUp | undefined {
  return warmUpOver(sys, [SOCK_SEQPACKET, SOCK_STREAM], TOTAL_MS, (pairs) => {
    const [device, wire] = pairs as [Pair, Pair];
    const rehearsal = new Rehearsal(sys, mountOptions(65536), { device, wire });
    return { play: (round) => rehearsal.round(round), end: () => rehearsal.end() };
  });
}
