// SPDX-License-Identifier: MIT

import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { apply, bytesOf, type Entry, type FileState, type State, type Step, temporary } from './journal.ts';

/** What a writer reported: the steps that were acknowledged, and the one that was under way (or failed) at the end. */
export interface Record_ {
  readonly acknowledged: readonly Step[];
  readonly open: Step | undefined;
}

/** What of the acknowledged state is not there below `dir`, one line each. The step under way may be done, or not, or in part where one write can be. */
export function lost(dir: string, { acknowledged, open }: Record_): string[] {
  const state: State = new Map();
  for (const step of acknowledged) apply(state, step);
  const found = scan(dir, '');
  const wrong: string[] = [];
  const free = new Set<string>();
  if (open !== undefined) judgeOpen(dir, state, found, open, wrong, free);
  for (const [name, entry] of state) {
    if (free.has(name)) continue;
    const why = differs(dir, name, entry, found.get(name));
    if (why !== undefined) wrong.push(`${name}: ${why}`);
  }
  for (const name of found.keys())
    if (!state.has(name) && !free.has(name)) wrong.push(`${name}: was taken away, and is there`);
  return wrong;
}

/**
 * The same where only the first `sure` steps were known to be acknowledged before the power failed: what came in that very moment counts as under way. (ext4 itself, without a mount of
 * ours, tells an fsync(2) that meets the cut that all is well, and forgets: some of 200 cuts on Linux 6.18.)
 */
export function lostInCut(dir: string, record: Record_, sure: number): string[] {
  const { acknowledged, open } = record;
  const whole = lost(dir, record);
  if (whole.length === 0) return whole;
  for (let k = acknowledged.length - 1; k >= sure; k--)
    if (lost(dir, { acknowledged: acknowledged.slice(0, k), open: acknowledged[k] ?? open }).length === 0)
      return [];
  return whole;
}

function scan(dir: string, below: string): Map<string, BigIntStats> {
  const found = new Map<string, BigIntStats>();
  for (const name of readdirSync(join(dir, below))) {
    const path = below === '' ? name : `${below}/${name}`;
    const s = lstatSync(join(dir, path), { bigint: true });
    found.set(path, s);
    if (s.isDirectory()) for (const [n, e] of scan(dir, path)) found.set(n, e);
  }
  return found;
}

function differs(dir: string, name: string, entry: Entry, s: BigIntStats | undefined): string | undefined {
  if (s === undefined) return 'is not there';
  if (entry.kind === 'folder') return s.isDirectory() ? undefined : 'is no folder';
  if (entry.kind === 'link') {
    if (!s.isSymbolicLink()) return 'is no symbolic link';
    return readlinkSync(join(dir, name)) === entry.target ? undefined : 'names something else';
  }
  if (!s.isFile()) return 'is no file';
  if ((Number(s.mode) & 0o7777) !== entry.mode) return `has mode ${(Number(s.mode) & 0o7777).toString(8)}`;
  const want = bytesOf(entry.segments);
  const have = readFileSync(join(dir, name));
  if (have.length !== want.length) return `has ${have.length} bytes instead of ${want.length}`;
  if (have.equals(want)) return undefined;
  const at = have.findIndex((b, i) => b !== want[i]);
  return `differs at byte ${at} of ${want.length}`;
}

/** The names that the open step touches: judged here by what it may have left, and free of the exact check. */
function judgeOpen(
  dir: string,
  state: State,
  found: Map<string, BigIntStats>,
  step: Step,
  wrong: string[],
  free: Set<string>,
): void {
  const is = (name: string, entry: Entry | undefined): boolean =>
    entry === undefined ? !found.has(name) : differs(dir, name, entry, found.get(name)) === undefined;
  const oneOf = (name: string, ...entries: (Entry | undefined)[]): void => {
    free.add(name);
    if (!entries.some((e) => is(name, e))) wrong.push(`${name}: neither before nor after ${step.op}`);
  };
  const before = state.get(step.name);
  // All names of the same file change together.
  const names = [...state].filter(([, e]) => e === before).map(([n]) => n);
  switch (step.op) {
    case 'create':
      free.add(step.name);
      return;
    case 'append':
    case 'appendSync':
    case 'truncate':
    case 'inplace':
      for (const name of names) {
        free.add(name);
        const why = partly(dir, name, before as FileState, step, found.get(name));
        if (why !== undefined) wrong.push(`${name}: ${why}`);
      }
      return;
    case 'replace':
      free.add(temporary(step.name));
      return oneOf(step.name, before, { kind: 'file', segments: [step.seg], mode: 0o644 });
    case 'chmod':
      for (const name of names) oneOf(name, before, { ...(before as FileState), mode: step.mode });
      return;
    case 'rename': {
      free.add(step.name);
      free.add(step.to);
      const still = is(step.name, before) && is(step.to, state.get(step.to));
      if (!still && !(is(step.name, undefined) && is(step.to, before)))
        wrong.push(`${step.name}: neither under its old nor under its new name ${step.to}`);
      return;
    }
    case 'link':
      return oneOf(step.to, undefined, before);
    case 'symlink':
      return oneOf(step.name, undefined, { kind: 'link', target: step.target });
    case 'mkdir':
      return oneOf(step.name, undefined, { kind: 'folder' });
    case 'unlink':
    case 'rmdir':
      return oneOf(step.name, undefined, before);
  }
}

/** A write that was under way may have come in part; what was acknowledged before it must stand. */
function partly(
  dir: string,
  name: string,
  before: FileState,
  step: Step,
  s: BigIntStats | undefined,
): string | undefined {
  if (s?.isFile() !== true) return 'is not there';
  const old = bytesOf(before.segments);
  const have = readFileSync(join(dir, name));
  if (step.op === 'inplace') {
    const from = before.segments.slice(0, step.index).reduce((sum, seg) => sum + seg.len, 0);
    const fresh = bytesOf([step.seg]);
    const good = have.every(
      (b, i) => b === old[i] || (i >= from && i < from + fresh.length && b === fresh[i - from]),
    );
    return have.length === old.length && good ? undefined : 'is neither the old nor the new bytes';
  }
  const kept = step.op === 'truncate' ? bytesOf(before.segments.slice(0, step.keep)).length : old.length;
  const most = step.op === 'truncate' ? old.length : old.length + (step as { seg: { len: number } }).seg.len;
  if (have.length < kept || have.length > most) return `has ${have.length} bytes, not ${kept} to ${most}`;
  return have.subarray(0, kept).equals(old.subarray(0, kept))
    ? undefined
    : `lost some of its first ${kept} bytes`;
}
