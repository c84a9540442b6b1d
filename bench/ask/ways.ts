// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endsWithin, killTree, tailOf } from '../common/child.ts';
import type { Cleanup } from '../common/cleanup.ts';
import { program } from '../common/place.ts';
import { isMounted, unmount } from '../mount/point.ts';

const LIMIT_MS = 30_000;
const NODE = process.execPath;
const NINEFOLD = program('ninefold') ?? '';

/** One way to a mounted folder. */
export interface Way {
  readonly key: string;
  readonly title: string;
  /** What `ninefold mount` is given. */
  readonly source: string;
}

/** A broker of a folder of its own, with a machine whose agent is started as `exec:` starts a server, and an asking program that says yes at once. */
export interface Rig {
  readonly ways: readonly Way[];
  /** Milliseconds from nothing to a mount that answers. */
  time(way: Way): Promise<number>;
}

export async function makeRig(dir: string, cleanup: Cleanup): Promise<Rig> {
  const path = (name: string): string => join(dir, name);
  for (const name of ['once', 'always', 'mnt']) mkdirSync(path(name));
  for (const name of ['run', 'policy']) mkdirSync(path(name), { mode: 0o700 });
  for (const name of ['once', 'always']) writeFileSync(path(`${name}/file`), 'here');
  const env = {
    ...process.env,
    NINEFOLD_RUNTIME_DIR: path('run'),
    NINEFOLD_POLICY_DIR: path('policy'),
    NINEFOLD_BROKER: path('broker.sock'),
    NINEFOLD_BROKER_CONFIG: path('broker.json'),
  };
  const machines = { box: { address: `exec:${NODE} ${NINEFOLD} agent` } };
  writeFileSync(path('broker.json'), JSON.stringify({ machines, ask: YES }));
  cleanup.add('a mount', () => unmount(path('mnt')));
  const ninefold = async (...args: string[]): Promise<void> => {
    const child = spawn(NODE, ['--no-warnings', NINEFOLD, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env,
    });
    const words = tailOf(child);
    const undo = cleanup.add('a command', () => killTree(child));
    if (!(await endsWithin(child, LIMIT_MS)) || child.exitCode !== 0)
      throw new Error(`ninefold ${args[0]}: ${words() || 'it did not end'}`);
    undo();
  };
  await startBroker(env, cleanup);
  await ninefold('policy', 'allow', 'host', `box:${path('always')}`);
  return {
    ways: [
      {
        key: 'direct',
        title: 'directly, by `exec:ninefold serve --stdio`',
        source: `exec:${NODE} --no-warnings ${NINEFOLD} serve --stdio ${path('always')}`,
      },
      { key: 'rule', title: 'through the broker, by a lasting rule', source: `box:${path('always')}` },
      {
        key: 'asked',
        title: 'through the broker, asked, and answered at once',
        source: `box:${path('once')}`,
      },
    ],
    async time(way) {
      const began = performance.now();
      await ninefold('mount', way.source, path('mnt'));
      const ms = performance.now() - began;
      if (!isMounted(path('mnt'))) throw new Error(`${way.title}: nothing is mounted`);
      await ninefold('unmount', path('mnt'));
      return ms;
    },
  };
}

/** For once: so it is asked each time. */
const YES = `echo '{"version":1,"answer":"allow","lasts":"once"}'`;

async function startBroker(env: NodeJS.ProcessEnv, cleanup: Cleanup): Promise<void> {
  const child = spawn(NODE, ['--no-warnings', NINEFOLD, 'broker'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  });
  cleanup.add('the broker', () => killTree(child));
  const words = tailOf(child);
  for (const until = performance.now() + LIMIT_MS; !words().includes('listening on'); ) {
    if (performance.now() > until || child.exitCode !== null)
      throw new Error(`the broker does not start: ${words()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
