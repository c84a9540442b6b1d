// SPDX-License-Identifier: MIT

import { median, ratio } from '../common/stats.ts';
import { figure, table, times } from '../common/table.ts';
import { type CopyPeer, type CopyTimes, OURS, TAR } from './run.ts';
import type { CopySet } from './sets.ts';

export const COPY_GOAL = 1.3;
export const COPY_GOAL_MIB = 90;

export function renderCopy(
  results: ReadonlyMap<string, ReadonlyMap<string, CopyTimes>>,
  sets: readonly CopySet[],
  peers: readonly CopyPeer[],
): string {
  const both = peers.includes(OURS) && peers.includes(TAR);
  const body = sets.map((set) => {
    const row = results.get(set.key);
    const value = (p: CopyPeer): number | undefined => {
      const t = row?.get(p.name);
      return t === undefined || t.failed !== undefined ? undefined : median(t.ms);
    };
    const of = ratio(value(OURS), value(TAR));
    const peak = row?.get(OURS.name)?.peak;
    return [
      set.title,
      ...peers.map((p) => (row?.get(p.name)?.failed === undefined ? figure(value(p)) : 'failed')),
      ...(both ? [of === undefined ? '–' : `${times(of)} ${of <= COPY_GOAL ? '✓' : '✗'}`] : []),
      ...(peak === undefined ? [] : [`${figure(peak)} ${peak < COPY_GOAL_MIB ? '✓' : '✗'}`]),
    ];
  });
  const head = ['copy, ms', ...peers.map((p) => p.name)];
  if (both) head.push(`ours/tar (≤ ${COPY_GOAL})`);
  if (peers.includes(OURS)) head.push(`ours, MiB (< ${COPY_GOAL_MIB})`);
  return table(head, body);
}
