// SPDX-License-Identifier: MIT

import { greatest, median, ratio } from '../common/stats.ts';
import { atMost, figure, table, times } from '../common/table.ts';
import { DIOD, OURS, type ServerPeer } from './peers.ts';
import type { ServerRow } from './rows.ts';
import type { Samples, ServerResults } from './run.ts';

/** Goals that are no row's own: milliseconds and MiB. */
export const START_GOAL_MS = 150;
export const PEAK_GOAL_MIB = 80;

/** The table of the page: CPU of each server, how ours compares with diod, the goal; then wall-clock time. */
export function renderServer(
  results: ServerResults,
  rows: readonly ServerRow[],
  peers: readonly ServerPeer[],
): string {
  const names = peers.map((p) => p.name);
  const compare = names.includes(OURS.name) && names.includes(DIOD.name);
  const head = [
    'workload',
    ...names,
    ...(compare ? [`${OURS.name}/${DIOD.name}`] : []),
    'goal',
    ...names.map((n) => `wall, ${n}`),
  ];
  const line = (
    title: string,
    goal: number,
    values: (number | string | undefined)[],
    walls: string[],
  ): string[] => {
    const of = (name: string): number | undefined => {
      const v = values[names.indexOf(name)];
      return typeof v === 'number' ? v : undefined;
    };
    const ours = of(OURS.name);
    const mark = ours === undefined ? '' : ours <= goal ? ' ✓' : ' ✗';
    return [
      title,
      ...values.map((v) => (typeof v === 'string' ? v : figure(v))),
      ...(compare ? [times(ratio(ours, of(DIOD.name)))] : []),
      atMost(goal) + mark,
      ...walls,
    ];
  };
  const body: string[][] = [];
  if (results.start.size > 0) {
    const starts = names.map((n) => median(results.start.get(n) ?? []));
    body.push(
      line(
        'start to first reply, ms',
        START_GOAL_MS,
        starts,
        names.map(() => ''),
      ),
    );
  }
  for (const row of rows) {
    const byPeer = results.rows.get(row.key);
    const samples = names.map((n): Samples => byPeer?.get(n) ?? { cpu: [], wall: [] });
    body.push(
      line(
        row.title,
        row.goal,
        samples.map((s) => s.none ?? median(s.cpu)),
        samples.map((s) => (s.none === undefined ? figure(median(s.wall)) : '')),
      ),
    );
  }
  if (results.peak.size > 0) {
    const peaks = names.map((n) => greatest(results.peak.get(n) ?? []));
    body.push(
      line(
        'memory, peak, MiB',
        PEAK_GOAL_MIB,
        peaks,
        names.map(() => ''),
      ),
    );
  }
  return table(head, body);
}
