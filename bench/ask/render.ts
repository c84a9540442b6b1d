// SPDX-License-Identifier: MIT

import { median } from '../common/stats.ts';
import { figure, table } from '../common/table.ts';
import type { Way } from './ways.ts';

/** What authorization may add to a mount, ms. */
export const ASK_GOAL_MS = 300;

/** The first way is what the others are compared with. */
export function renderAsk(ways: readonly Way[], times: ReadonlyMap<string, readonly number[]>): string {
  const of = (way: Way | undefined): number | undefined =>
    way === undefined ? undefined : median([...(times.get(way.key) ?? [])]);
  const base = of(ways[0]);
  const body = ways.map((way, i) => {
    const all = times.get(way.key) ?? [];
    const ms = of(way);
    const more = ms === undefined || base === undefined ? undefined : ms - base;
    const added =
      more === undefined
        ? '–'
        : `${more < 0 ? '-' : ''}${figure(Math.abs(more))} ${more < ASK_GOAL_MS ? '✓' : '✗'}`;
    const most = all.length === 0 ? undefined : Math.max(...all);
    return [way.title, figure(ms), figure(most), i === 0 ? '' : added];
  });
  return table(['mounted', 'ms, median', 'ms, most', `added (< ${ASK_GOAL_MS})`], body);
}
