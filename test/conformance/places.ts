// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runInGuest } from '../guest/boot.ts';
import { OUT, TOP } from '../helpers/places.ts';
import type { Outcome } from './run.ts';

/** One column of docs/CONFORMANCE.md: a target of main.ts, on this kernel or in a guest. */
export interface Place {
  id: string;
  /** For people. */
  title: string;
  target: string;
  asUser: boolean;
  guest: boolean;
  /** Somebody else's server, which checks the cases: what it fails is told and is no failure of the run. */
  others: boolean;
}

const place = (id: string, title: string, target: string, more: Partial<Place> = {}): Place => ({
  id,
  title,
  target,
  asUser: false,
  guest: false,
  others: false,
  ...more,
});

export const PLACES: readonly Place[] = [
  place('local', 'local ext4, as root', 'local'),
  place('local-user', 'local ext4, as a user', 'local', { asUser: true }),
  place('mount', 'our mount, as root', 'mount'),
  place('mount-user', 'our mount, as a user', 'mount', { asUser: true }),
  place('v9fs-none', 'v9fs, `cache=none`', 'v9fs:cache=none,access=client', { guest: true }),
  place('v9fs-mmap', 'v9fs, `cache=mmap`', 'v9fs:cache=mmap,access=client', { guest: true }),
  place('v9fs-loose', 'v9fs, `cache=loose`', 'v9fs:cache=loose,access=client', { guest: true }),
  place('v9fs-any', 'v9fs, `access=any`, as a user', 'v9fs:cache=none,access=any', {
    guest: true,
    asUser: true,
  }),
  place('diod', 'v9fs on diod, `cache=none`', 'diod:cache=none,access=client', { guest: true, others: true }),
];

/** An emulated machine runs about this many times slower than the one that emulates it, and that may be busy. */
const GUEST_SLOWNESS = 12;

/** Outcomes that an earlier run left in `file`. Throws when it is not there. */
export function kept(file: string): Outcome[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((l) => l.startsWith('{') && l.endsWith('}'))
    .map((l) => JSON.parse(l) as Outcome);
}

export interface RunPlace {
  only?: string;
  /** A file of outcomes whose cases are not run again. */
  skip?: string;
  /** At most so many cases. */
  count?: number;
  limitMs: number;
  report(outcome: Outcome): void;
  /** What the cases' processes said on stderr. */
  words(bytes: Buffer): void;
}

/** Runs the cases on `where`; rejects when the run itself broke down, with what it said last. */
export async function runPlace(where: Place, how: RunPlace): Promise<void> {
  const read = jsonLines(how.report);
  const command = [
    process.execPath,
    join(OUT, 'test/conformance/main.js'),
    '--json',
    '--target',
    where.target,
  ];
  if (where.asUser) command.push('--as-user');
  if (how.only !== undefined) command.push('--only', how.only);
  if (how.skip !== undefined) command.push('--skip', how.skip);
  if (how.count !== undefined) command.push('--count', String(how.count));
  let last = '';
  const words = (bytes: Buffer): void => {
    last = (last + bytes.toString()).slice(-2000);
    how.words(bytes);
  };
  const code = where.guest
    ? await runInGuest({
        command,
        cwd: '/',
        show: [TOP, OUT, ...(how.skip === undefined ? [] : [dirname(how.skip)])],
        env: { NINEFOLD_SLOWNESS: String(GUEST_SLOWNESS) },
        limitMs: how.limitMs,
        stdout: read,
        stderr: words,
      })
    : await runHere(command, how.limitMs, read, words);
  // 1: some case failed, which the outcomes tell.
  if (code !== 0 && code !== 1) throw new Error(`${where.id}: its run ended with ${code}: ${last.trim()}`);
}

function runHere(
  command: readonly string[],
  limitMs: number,
  read: (bytes: Buffer) => void,
  words: (bytes: Buffer) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0] as string, command.slice(1), {
      cwd: tmpdir(),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
    });
    child.stdout.on('data', read);
    child.stderr.on('data', words);
    child.once('error', reject);
    child.once('close', (code, signal) =>
      signal === null ? resolve(code ?? -1) : reject(new Error(`a run ended with ${signal}`)),
    );
  });
}

function jsonLines(report: (outcome: Outcome) => void): (bytes: Buffer) => void {
  let rest = '';
  return (bytes) => {
    const lines = (rest + bytes.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) report(JSON.parse(line) as Outcome);
  };
}
