// SPDX-License-Identifier: MIT

import type { Sys } from '../base/sys.ts';
import { type Play, WarmUp } from '../base/warm-up.ts';
import { setNonblocking } from '../linux/descriptors.ts';
import { socketpair } from '../linux/net.ts';
import { rehearsing } from './data-plane-flags.ts';

/** Milliseconds in which it must be over, once it goes on in idle moments. */
const WITHIN_MS = 2000;

export type Pair = readonly [number, number];

export interface Rehearsed {
  readonly play: Play;
  /** Gives back what it made. */
  readonly end?: () => void;
}

/**
 * A rehearsal over socket pairs of its own, one of each type in `types`: `make` gets their ends, non-blocking, which are closed when it is over. Undefined where there are no more descriptors: it is
 * needed for nothing but speed.
 */
export function warmUpOver(
  sys: Sys,
  types: readonly number[],
  totalMs: number,
  make: (pairs: readonly Pair[]) => Rehearsed,
): WarmUp | undefined {
  const pairs: Pair[] = [];
  const close = (): void => {
    for (const fd of pairs.flat()) sys.close(fd);
  };
  for (const type of types) {
    const pair: [number, number] = [-1, -1];
    if (socketpair(pair, type) < 0) break;
    pairs.push(pair);
  }
  if (pairs.length < types.length || !pairs.flat().every((fd) => setNonblocking(fd, true) >= 0)) {
    close();
    return undefined;
  }
  const { play, end } = make(pairs);
  return new WarmUp({
    play,
    totalMs,
    withinMs: WITHIN_MS,
    end: () => {
      end?.();
      close();
    },
    around: rehearsing,
  });
}
