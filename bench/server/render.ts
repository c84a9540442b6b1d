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
  /** A figure of the whole server, which no request is to be divided by. */
  const whole = (
    title: string,
    goal: number | undefined,
    figures: ReadonlyMap<string, readonly number[]>,
    of: (samples: readonly number[]) => number | undefined,
  ): void => {
    if (figures.size === 0) return;
    const values = names.map((n) => of(figures.get(n) ?? []));
    body.push(
      line(
        title,
        goal,
        undefined,
        values,
        names.map(() => ''),
      ),
    );
  };
  whole('start to first reply, ms', START_GOAL_MS, results.start, median);
  whole('CPU in the second after the attach, ms', undefined, results.quiet, median);
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
  whole('memory, peak, MiB', PEAK_GOAL_MIB, results.peak, greatest);
  return table(head, body);
}
