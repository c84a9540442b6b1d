// SPDX-License-Identifier: MIT

import { least, median, ratio } from '../common/stats.ts';
import { figure, table, times } from '../common/table.ts';
import { BINDFS, LOCAL, type MountPeer, OURS, SSHFS } from './peers.ts';
import type { Step } from './rows.ts';
import type { Times } from './run.ts';

/**
 * Milliseconds of each system; then ours against the better sshfs (the aim: below 1 on every row), against bindfs (at or below 1 on the
 * first-time rows) and against the local folder.
 */
export function renderMount(
  results: ReadonlyMap<string, ReadonlyMap<string, Times>>,
  steps: readonly Step[],
  peers: readonly MountPeer[],
): string {
  const has = (p: MountPeer): boolean => peers.includes(p);
  const ratios: {
    head: string;
    aim: (s: Step) => number | undefined;
    of: (v: (p: MountPeer) => number | undefined) => number | undefined;
  }[] = [];
  if (has(OURS)) {
    if (SSHFS.every(has))
      ratios.push({ head: `${OURS.name}/best sshfs`, aim: () => 1, of: (v) => least(SSHFS.map(v)) });
    if (has(BINDFS))
      ratios.push({
        head: `${OURS.name}/bindfs`,
        aim: (s) => (s.first ? 1 : undefined),
        of: (v) => v(BINDFS),
      });
    ratios.push({ head: `${OURS.name}/local`, aim: () => undefined, of: (v) => v(LOCAL) });
  }
  const body = steps.map((step) => {
    const cell = (p: MountPeer): Times | undefined => results.get(step.key)?.get(p.name);
    const value = (p: MountPeer): number | undefined => {
      const t = cell(p);
      return t === undefined || t.failed !== undefined ? undefined : median(t.ms);
    };
    return [
      step.title,
      ...peers.map((p) => (cell(p)?.failed === undefined ? figure(value(p)) : 'failed')),
      ...ratios.map((r) => marked(ratio(value(OURS), r.of(value)), r.aim(step))),
    ];
  });
  return table(['workload, ms', ...peers.map((p) => p.name), ...ratios.map((r) => r.head)], body);
}

/** Milliseconds of CPU that each system's own processes used: steadier than the time waited, which sleeping and waking CPUs move about. */
export function renderMountCpu(
  results: ReadonlyMap<string, ReadonlyMap<string, Times>>,
  steps: readonly Step[],
  peers: readonly MountPeer[],
): string {
  const systems = peers.filter((p) => p !== LOCAL);
  const body = steps.map((step) => [
    step.title,
    ...systems.map((p) => figure(median(results.get(step.key)?.get(p.name)?.cpu ?? []))),
  ]);
  return table(['CPU, ms', ...systems.map((p) => p.name)], body);
}

function marked(value: number | undefined, aim: number | undefined): string {
  if (value === undefined || aim === undefined) return times(value);
  return `${times(value)} ${value <= aim ? '✓' : '✗'}`;
}
