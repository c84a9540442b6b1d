// SPDX-License-Identifier: MIT

import { greatest, median, ratio } from '../common/stats.ts';
import { atMost, figure, table, times } from '../common/table.ts';
import { DIOD, OURS, type ServerPeer } from './peers.ts';
import type { ServerRow } from './rows.ts';
import type { Samples, ServerResults } from './run.ts';

/** Goals that are no row's own: milliseconds and MiB. */
export const START_GOAL_MS = 150;
export const PEAK_GOAL_MIB = 80;

/**
 * The table of the page: CPU of each server, how ours compares with diod, the goal as a part of what diod needs and in µs as on the machine where it was set; then
 * wall-clock time.
 */
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
    ...(compare ? [`${OURS.name}/${DIOD.name}`, `goal, of ${DIOD.name}`] : []),
    'goal',
    ...names.map((n) => `wall, ${n}`),
  ];
  const line = (
    title: string,
    goal: number | undefined,
    part: number | undefined,
    values: (number | string | undefined)[],
    walls: string[],
  ): string[] => {
    const of = (name: string): number | undefined => {
      const v = values[names.indexOf(name)];
      return typeof v === 'number' ? v : undefined;
    };
    const ours = of(OURS.name);
    const mark = (value: number | undefined, most: number): string =>
      value === undefined ? '' : value <= most ? ' ✓' : ' ✗';
    const compared = ratio(ours, of(DIOD.name));
    return [
      title,
      ...values.map((v) => (typeof v === 'string' ? v : figure(v))),
      ...(compare
        ? [times(compared), part === undefined ? '' : `≤ ${times(part)}${mark(compared, part)}`]
        : []),
      goal === undefined ? '' : atMost(goal) + mark(ours, goal),
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
        undefined,
        starts,
        names.map(() => ''),
      ),
    );
  }
  if (results.quiet.size > 0) {
    const spent = names.map((n) => median(results.quiet.get(n) ?? []));
    body.push(
      line(
        'CPU in the second after the attach, ms',
        undefined,
        undefined,
        spent,
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
        row.diod === undefined ? undefined : row.goal / row.diod,
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
        undefined,
        peaks,
        names.map(() => ''),
      ),
    );
  }
  return table(head, body);
}
