// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { errnoName } from '../../src/base/errno.ts';
import { openSys } from '../../src/linux/index.ts';
import { SHUT_RDWR, shutdown, socketpair } from '../../src/linux/net.ts';
import { allowedCpus, bindTo, lastCpu } from '../common/affinity.ts';
import { endsWithin, killTree, tailOf } from '../common/child.ts';
import type { Cleanup } from '../common/cleanup.ts';
import { Meter } from '../common/cpu.ts';
import { newFolder } from '../common/folder.ts';
import { program } from '../common/place.ts';
import { Progress } from '../common/progress.ts';
import { fillExport, PROXY_ROWS, type ProxyRow } from './rows.ts';
import { ProxyWire } from './wire.ts';

/** A helper that serves a folder on a descriptor. */
export interface ProxyPeer {
  readonly name: string;
  /** Undefined when it is not here. */
  command(): readonly [string, ...string[]] | undefined;
  readonly missing: string;
}

export const OUR_HELPER: ProxyPeer = {
  name: 'ninefold',
  command: () => {
    const file = program('virtfs-proxy-helper');
    return file === undefined ? undefined : [process.execPath, file];
  },
  missing: 'npm run build',
};

const ORIGINAL = '/usr/lib/qemu/virtfs-proxy-helper';
export const QEMUS_HELPER: ProxyPeer = {
  name: "QEMU's helper",
  command: () => (existsSync(ORIGINAL) ? [ORIGINAL] : undefined),
  missing: 'Debian package qemu-system-common of a QEMU before 9.2',
};
export const PROXY_PEERS: readonly ProxyPeer[] = [OUR_HELPER, QEMUS_HELPER];

/** µs of CPU per request: `key of the row` → `name of the peer` → a figure for each round. */
export type ProxyResults = Map<string, Map<string, number[]>>;

/** Every row runs so often (1/WARM of its work) before anything is measured, for all helpers alike. */
const WARM = 2;
const GRACE_MS = 3000;
const EXPORT_BYTES = 2 ** 20;

/** Measures; the helpers take turns, and run on the CPU of their client as with QEMU's main thread. */
export async function runProxyRows(
  o: { rounds: number; divide: number; rows: readonly ProxyRow[]; peers: readonly ProxyPeer[] },
  cleanup: Cleanup,
): Promise<ProxyResults> {
  const results: ProxyResults = new Map();
  const all = allowedCpus();
  // In memory: what is compared is the helpers, not what a disk does at the moment.
  const dir = newFolder('memory', EXPORT_BYTES, cleanup);
  fillExport(dir);
  bindTo(String(lastCpu(all)));
  const unbind = cleanup.add('CPU binding', () => bindTo(all));
  const progress = new Progress(o.rounds * o.peers.length * (o.rows.length + 1));
  for (let round = 0; round < o.rounds; round++)
    for (let i = 0; i < o.peers.length; i++) {
      const peer = o.peers[(i + round) % o.peers.length] as ProxyPeer;
      const say = (what: string): void => progress.step(`round ${round + 1}, ${peer.name}: ${what}`);
      await oneRound(peer, dir, o.rows, o.divide, say, results, cleanup);
    }
  progress.end();
  unbind();
  return results;
}

async function oneRound(
  peer: ProxyPeer,
  dir: string,
  rows: readonly ProxyRow[],
  divide: number,
  say: (what: string) => void,
  results: ProxyResults,
  cleanup: Cleanup,
): Promise<void> {
  const sys = openSys();
  const pair: [number, number] = [-1, -1];
  const r = socketpair(pair);
  if (r < 0) throw new Error(`no socket pair: ${errnoName(r)}`);
  const [mine, theirs] = pair;
  const [file = '', ...args] = peer.command() ?? [];
  const child: ChildProcess = spawn(file, [...args, '-n', '-p', dir, '-f', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', theirs],
    // Each in a session of its own, as a daemon is (and ours in its sandbox in any case): between sessions the scheduler works more (sched_autogroup).
    detached: true,
  });
  sys.close(theirs);
  const said = tailOf(child);
  const undo = cleanup.add(`helper ${peer.name}`, () => {
    sys.close(mine);
    killTree(child);
  });
  try {
    const wire = new ProxyWire(sys, mine);
    const meter = new Meter(child.pid as number);
    const measure = (row: ProxyRow, part: number): number => {
      const { requests, after } = row.prepare(dir, Math.max(10, Math.round(row.count / part)));
      const before = meter.cpu();
      for (const request of requests) wire.call(request, row.mayFail);
      const used = meter.cpu() - before;
      after?.();
      return used / 1e3 / requests.length;
    };
    say('warm-up');
    for (const row of PROXY_ROWS) measure(row, divide * WARM);
    for (const row of rows) {
      say(row.title);
      const byPeer = results.get(row.key) ?? new Map<string, number[]>();
      results.set(row.key, byPeer);
      byPeer.set(peer.name, [...(byPeer.get(peer.name) ?? []), measure(row, divide)]);
      // Signals are handled between rows.
      await new Promise((resolve) => setImmediate(resolve));
    }
    shutdown(mine, SHUT_RDWR);
    await endsWithin(child, GRACE_MS);
  } catch (error) {
    throw new Error(`${peer.name}: ${(error as Error).message}; it said: ${said()}`);
  } finally {
    undo();
  }
}
