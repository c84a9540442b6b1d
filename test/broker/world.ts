// SPDX-License-Identifier: MIT
// A broker of this build in a temporary folder, run as a person runs it.

import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditLine } from '../../src/broker/audit.ts';
import {
  leftovers,
  mountsBelow,
  nodeProgram,
  type Ran,
  type RunHow,
  type Running,
  run,
  start,
} from '../helpers/cli.ts';
import { program } from '../helpers/places.ts';

export const NODE = process.execPath;
export const NINEFOLD = program('ninefold');

/** A shell's command that answers every question so, after it has kept it in `question.json`. */
export const answers = (dir: string, answer: object, before = ''): string =>
  `cat > ${dir}/question.json; ${before} echo '${JSON.stringify({ version: 1, ...answer })}'`;

export interface World {
  readonly dir: string;
  readonly share: string;
  readonly mnt: string;
  readonly env: Record<string, string>;
  readonly uid: number | undefined;
  path(name: string): string;
  /** Starts `ninefold ARGS…`, to be ended with the test, and waits until it listens. */
  listening(...args: string[]): Promise<Running>;
  /** Starts the broker and waits until it listens. */
  broker(ask: string, config?: object, ...more: string[]): Promise<Running>;
  ninefold(...args: string[]): Promise<Ran>;
  run(name: string, args: readonly string[], how?: RunHow): Promise<Ran>;
  log(): AuditLine[];
  question(): Record<string, unknown>;
}

/** `uid`: everything runs as that user. What was mounted is unmounted at the end, and nothing may be left running. */
export function world(t: TestContext, uid?: number): World {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-world-'));
  const path = (name: string): string => join(dir, name);
  for (const name of ['share', 'share/sub', 'mnt', 'run', 'policy'])
    mkdirSync(path(name), { mode: name === 'run' || name === 'policy' ? 0o700 : 0o755 });
  writeFileSync(path('share/hello'), 'world');
  // What is named must be there.
  writeFileSync(path('broker.json'), '{}');
  chmodSync(dir, 0o755);
  if (uid !== undefined)
    for (const name of ['', 'share', 'share/hello', 'share/sub', 'mnt', 'run', 'policy'])
      chownSync(path(name), uid, uid);
  const env: Record<string, string> = {
    NINEFOLD_RUNTIME_DIR: path('run'),
    NINEFOLD_POLICY_DIR: path('policy'),
    NINEFOLD_BROKER_CONFIG: path('broker.json'),
    NINEFOLD_BROKER: path('broker.sock'),
    NINEFOLD_ASK: '',
    // The sandbox has tests of its own, and one here.
    NINEFOLD_SANDBOX: 'none',
    HOME: dir,
    DISPLAY: '',
    WAYLAND_DISPLAY: '',
  };
  const how = uid === undefined ? { env } : { env, uid };
  const w: World = {
    dir,
    share: path('share'),
    mnt: path('mnt'),
    env,
    uid,
    path,
    async broker(
      ask,
      config = { machines: { box: { address: `exec:${NODE} ${NINEFOLD} agent` } } },
      ...more
    ) {
      writeFileSync(path('broker.json'), JSON.stringify(config));
      return w.listening('broker', '--ask', ask, '--log-level', 'debug', ...more);
    },
    async listening(...args) {
      const running = start(nodeProgram('ninefold', ...args), { ...how, patience: 120_000 });
      started.push(running);
      await running.says(/listening on/);
      return running;
    },
    ninefold: (...args) => run(nodeProgram('ninefold', ...args), how),
    run: (name, args, more = {}) =>
      run(nodeProgram(name, ...args), { ...how, ...more, env: { ...env, ...more.env } }),
    log: () =>
      readFileSync(path('policy/audit.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as AuditLine),
    question: () => JSON.parse(readFileSync(path('question.json'), 'utf8')) as Record<string, unknown>,
  };
  const started: Running[] = [];
  t.after(async () => {
    for (const line of mountsBelow(dir)) await w.ninefold('unmount', line.split(' ')[1] ?? '', '--lazy');
    for (const running of started) {
      running.child.kill('SIGTERM');
      await running.ended;
    }
    const left = await leftovers(dir);
    rmSync(dir, { recursive: true, force: true });
    assert.deepEqual(left, [], 'nothing is left running');
  });
  return w;
}

/** Waits for something that another process does; fails the test when it does not come within 20 s. */
export async function eventually(what: string, is: () => boolean): Promise<number> {
  const began = performance.now();
  while (!is()) {
    if (performance.now() - began > 20_000) throw new Error(`it did not come: ${what}`);
    await sleep(10);
  }
  return performance.now() - began;
}
