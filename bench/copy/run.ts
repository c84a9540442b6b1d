// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { killTree } from '../common/child.ts';
import type { Cleanup } from '../common/cleanup.ts';
import { parsePeak, processTree } from '../common/cpu.ts';
import { program } from '../common/place.ts';

/** Milliseconds of each round, and the largest resident set of either end in MiB. */
export interface CopyTimes {
  readonly ms: number[];
  peak: number;
  failed?: string;
}

export interface CopyPeer {
  readonly name: string;
  /** Copies `from`'s content below `to`, on the disk when it is done. */
  readonly run: (from: string, to: string, cleanup: Cleanup) => Promise<{ ms: number; peak: number }>;
}

const LIMIT_MS = 300_000;

export const TAR: CopyPeer = {
  name: 'tar | tar, sync -f',
  run: (from, to, cleanup) =>
    timed(cleanup, () =>
      spawn('/bin/sh', ['-c', 'tar -C "$1" -c . | tar -C "$2" -x && sync -f "$2"', 'sh', from, to], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    ),
};

export const OURS: CopyPeer = pair(
  'ninefold',
  () => [process.execPath, program('qfile-agent') ?? ''],
  () => [process.execPath, program('qfile-unpacker') ?? ''],
);

/** The original programs, where whoever measures has built them (docs/ORIGINALS.md). The receiver mounts: as root, and in a mount namespace of its own. */
export function originalPeer(env: NodeJS.ProcessEnv): CopyPeer | undefined {
  const { NINEFOLD_ORIGINAL_QFILE_AGENT: agent, NINEFOLD_ORIGINAL_QFILE_UNPACKER: unpacker } = env;
  if (agent === undefined || unpacker === undefined || process.geteuid?.() !== 0) return undefined;
  return pair(
    'original',
    () => [agent],
    () => ['unshare', '-m', unpacker],
  );
}

/** Two pipes, as under qrexec: the shell makes the one, a FIFO is the other. A sender that fails makes the receiver fail. */
function pair(name: string, agent: () => readonly string[], unpacker: () => readonly string[]): CopyPeer {
  const words = (command: readonly string[]): string =>
    command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return {
    name,
    run: (from, to, cleanup) =>
      timed(cleanup, () => {
        const line = `cd "$1" && mkfifo "$3" && ${words(agent())} -- * <"$3" | ${words(unpacker())} "" "$2" >"$3"; s=$?; rm -f "$3"; exit $s`;
        return spawn('/bin/sh', ['-c', line, 'sh', from, to, join(to, '../fifo')], {
          stdio: ['ignore', 'ignore', 'inherit'],
        });
      }),
  };
}

async function timed(cleanup: Cleanup, begin: () => ChildProcess): Promise<{ ms: number; peak: number }> {
  const start = performance.now();
  const child = begin();
  let peak = 0;
  const look = setInterval(() => {
    peak = Math.max(peak, ...peaksBelow(child.pid ?? 0));
  }, 50);
  try {
    await ended(child, cleanup);
    return { ms: performance.now() - start, peak };
  } finally {
    clearInterval(look);
  }
}

/** Peak resident MiB of every process of the tree, each by itself. */
function peaksBelow(root: number): number[] {
  return [0, ...processTree(root).map(peakOf)];
}

function peakOf(pid: number): number {
  try {
    return parsePeak(readFileSync(`/proc/${pid}/status`, 'latin1')) / 1024;
  } catch {
    return 0;
  }
}

function ended(child: ChildProcess, cleanup: Cleanup): Promise<void> {
  const undo = cleanup.add('a copy', () => killTree(child));
  const timer = setTimeout(() => killTree(child), LIMIT_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      undo();
      if (code === 0) resolve();
      else reject(new Error(`it ended ${signal === null ? `with status ${code}` : `by ${signal}`}`));
    });
  });
}

/** An empty folder, with nothing of earlier rounds waiting for the disk. */
export function freshTarget(dir: string, name: string): string {
  const to = join(dir, name.replaceAll(/[^a-z0-9]+/g, '-'));
  mkdirSync(to);
  spawnSync('sync', ['-f', to]);
  return to;
}
