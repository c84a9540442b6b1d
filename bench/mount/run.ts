// SPDX-License-Identifier: MIT

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killTree } from '../common/child.ts';
import type { Cleanup } from '../common/cleanup.ts';
import { newFolder } from '../common/folder.ts';
import { holdMemory } from '../common/memory.ts';
import { Progress } from '../common/progress.ts';
import type { MountPeer, Opened } from './peers.ts';
import { isMounted } from './point.ts';
import type { Places, Scenario, Step } from './rows.ts';
import { fillMounted, GIT_ENV, type TreeSize } from './tree.ts';

/** All figures of one row on one system, one per round. */
export interface Times {
  /** Milliseconds of wall clock. */
  readonly ms: number[];
  /** Milliseconds of CPU of the system's own processes. */
  readonly cpu: number[];
  /** Why a round has no figure. */
  failed?: string;
}

export interface MountOptions {
  readonly rounds: number;
  readonly scenarios: readonly Scenario[];
  readonly peers: readonly MountPeer[];
  readonly size: TreeSize;
  /** The figures count: what would distort them is worth some time. */
  readonly measured: boolean;
}

/** How long a mount has been there when the first command comes, on every system: a person has to type it. */
export const SETTLE_MS = 1000;
/** What takes longer than this is given up. */
const LIMIT_MS = 180_000;

/** `key of the step` → `name of the peer` → figures. Systems take turns within each scenario, and begin in another order each round. */
export async function runMountRows(
  o: MountOptions,
  cleanup: Cleanup,
): Promise<Map<string, Map<string, Times>>> {
  const results = new Map<string, Map<string, Times>>();
  const dir = newFolder('disk', 0, cleanup, () => isMounted(join(dir, 'mnt')));
  const bytes = 2 ** 20 * (o.size.bigMiB + 300);
  const small = newFolder('memory', bytes, cleanup);
  const served = { memory: newFolder('memory', bytes, cleanup), disk: newFolder('disk', bytes, cleanup) };
  mkdirSync(join(served.disk, 'out'));
  process.stderr.write(`making a tree of ${o.size.files} files\n`);
  fillMounted(served.memory, small, o.size);
  const progress = new Progress(o.rounds * o.scenarios.length * o.peers.length);
  for (let round = 0; round < o.rounds; round++) {
    for (const scenario of o.scenarios) {
      for (let i = 0; i < o.peers.length; i++) {
        const peer = o.peers[(i + round) % o.peers.length] as MountPeer;
        progress.step(`round ${round + 1}, ${peer.name}: ${scenario.steps[0]?.title}`);
        const at = served[scenario.place ?? 'memory'];
        const places = { served: at, small, writeMiB: o.size.bigMiB / 2 };
        scenario.reset?.({ ...places, root: at });
        warm(at);
        await measure(peer, scenario, places, join(dir, 'mnt'), cleanup, results, o.measured);
      }
    }
  }
  progress.end();
  return results;
}

async function measure(
  peer: MountPeer,
  scenario: Scenario,
  places: Omit<Places, 'root'>,
  point: string,
  cleanup: Cleanup,
  results: Map<string, Map<string, Times>>,
  measured: boolean,
): Promise<void> {
  const release = measured ? await holdMemory() : async () => {};
  let opened: Opened;
  try {
    if (scenario.atOnce === true) await release();
    opened = await peer.open(places.served, point, cleanup);
  } catch (error) {
    await release();
    // One system that cannot mount here does not keep the others from being measured.
    for (const step of scenario.steps) timesOf(results, step, peer).failed = (error as Error).message;
    process.stderr.write(`\nbench: ${peer.name}: ${(error as Error).message}\n`);
    return;
  }
  try {
    if (measured && scenario.atOnce !== true) await sleep(SETTLE_MS);
    await release();
    for (const step of scenario.steps) {
      const times = timesOf(results, step, peer);
      try {
        const before = opened.cpu();
        times.ms.push(await timed(step, { ...places, root: opened.root }, cleanup));
        times.cpu.push((opened.cpu() - before) / 1e6);
      } catch (error) {
        times.failed = (error as Error).message;
        process.stderr.write(`\nbench: ${peer.name}: ${step.title}: ${times.failed}\n`);
        break;
      }
    }
  } finally {
    await opened.close();
  }
}

function timesOf(results: Map<string, Map<string, Times>>, step: Step, peer: MountPeer): Times {
  const byPeer = results.get(step.key) ?? new Map<string, Times>();
  results.set(step.key, byPeer);
  const times: Times = byPeer.get(peer.name) ?? { ms: [], cpu: [] };
  byPeer.set(peer.name, times);
  return times;
}

/** Runs a command to its end; milliseconds. Rejects when it fails or takes too long. */
function timed(step: Step, places: Places, cleanup: Cleanup): Promise<number> {
  const [file, ...args] = step.argv(places);
  return new Promise((resolve, reject) => {
    const before = performance.now();
    const child = spawn(file, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: GIT_ENV,
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    const undo = cleanup.add(file, () => killTree(child));
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said = (said + chunk).slice(0, 400);
    });
    let ms = 0;
    child.on('error', reject);
    child.on('exit', () => {
      ms = performance.now() - before;
    });
    child.on('close', (code, signal) => {
      undo();
      if (signal === null && (step.ok ?? [0]).includes(code as number)) resolve(ms);
      else reject(new Error(`${file}: ${signal ?? `exit ${code}`}: ${said.trim()}`));
    });
  });
}

/** Brings everything served into the page cache, for machines without room on tmpfs. */
function warm(served: string): void {
  spawnSync('grep', ['-r', '-c', 'Zyxwvut', served], { stdio: 'ignore', env: GIT_ENV });
}
