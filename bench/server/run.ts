// SPDX-License-Identifier: MIT

import { setTimeout as sleep } from 'node:timers/promises';
import { EOPNOTSUPP } from '../../src/base/errno.ts';
import { allowedCpus, bindTo, lastCpu } from '../common/affinity.ts';
import type { Cleanup } from '../common/cleanup.ts';
import { Progress } from '../common/progress.ts';
import { makeFolder } from './fixture.ts';
import { type Launched, launch } from './launch.ts';
import type { ServerPeer } from './peers.ts';
import { SERVER_ROWS, type ServerRow } from './rows.ts';
import { Refused } from './wire.ts';

/** All figures of one row of one server, one per round. */
export interface Samples {
  /** µs of CPU per operation. */
  readonly cpu: number[];
  /** µs of wall clock per operation. */
  readonly wall: number[];
  /** Why there is no figure, in a word. */
  none?: string;
}

export interface ServerResults {
  /** `key of the row` → `name of the peer` → figures. */
  readonly rows: Map<string, Map<string, Samples>>;
  /** Milliseconds to the first reply, by peer. */
  readonly start: Map<string, number[]>;
  /** Milliseconds of CPU in the quiet second, by peer. */
  readonly quiet: Map<string, number[]>;
  /** MiB, by peer. */
  readonly peak: Map<string, number[]>;
}

export interface ServerOptions {
  readonly rounds: number;
  /** Divides the work of every row. */
  readonly divide: number;
  readonly rows: readonly ServerRow[];
  readonly peers: readonly ServerPeer[];
  /** How many starts of each server are timed. */
  readonly starts: number;
}

/** Every row is run so often (1/WARM of its work) before anything is measured, for all servers alike. */
const WARM = 10;

/** Between the attach and the first request: a mount is used a moment after it was made, and a server may prepare itself in that time. */
const QUIET_MS = 1000;

/** Measures; the servers take turns, A B then B A, so that a slow minute of the machine meets all of them. */
export async function runServerRows(o: ServerOptions, cleanup: Cleanup): Promise<ServerResults> {
  const results: ServerResults = { rows: new Map(), start: new Map(), quiet: new Map(), peak: new Map() };
  const all = allowedCpus();
  const disk = makeFolder('disk', cleanup);
  bindTo(String(lastCpu(all)));
  const unbind = cleanup.add('CPU binding', () => bindTo(all));
  const places = (['disk', 'memory'] as const)
    .map((place) => ({ place, rows: o.rows.filter((r) => (r.place ?? 'disk') === place) }))
    // Without rows the one server is still started for its memory.
    .filter((p) => p.rows.length > 0 || (p.place === 'disk' && o.rows.length === 0));
  const progress = new Progress(o.peers.length * (o.starts + o.rounds * (o.rows.length + 2 * places.length)));
  for (let i = 0; i < o.starts; i++) {
    for (const peer of inTurn(o.peers, i)) {
      progress.step(`${peer.name}: start`);
      const server = await launch(peer, disk, cleanup);
      push(results.start, peer.name, server.startMs);
      await server.end();
    }
  }
  for (const { place, rows } of places) {
    const dir = place === 'disk' ? disk : makeFolder(place, cleanup);
    for (let round = 0; round < o.rounds; round++) {
      for (const peer of inTurn(o.peers, round)) {
        const say = (what: string): void => progress.step(`round ${round + 1}, ${peer.name}: ${what}`);
        await oneRound(peer, dir, rows, o.divide, say, results, cleanup);
      }
    }
  }
  progress.end();
  unbind();
  return results;
}

/** One server from its start to its end: the warm-up, then each row. */
async function oneRound(
  peer: ServerPeer,
  dir: string,
  rows: readonly ServerRow[],
  divide: number,
  say: (what: string) => void,
  results: ServerResults,
  cleanup: Cleanup,
): Promise<void> {
  const server = await launch(peer, dir, cleanup);
  say('a quiet second');
  const before = server.meter.cpu();
  await sleep(QUIET_MS);
  push(results.quiet, peer.name, (server.meter.cpu() - before) / 1e6);
  say('warm-up');
  for (const row of SERVER_ROWS) measure(server, row, divide * WARM);
  for (const row of rows) {
    say(row.title);
    note(results, row, peer, measure(server, row, divide));
    // Signals are handled between rows.
    await new Promise((r) => setImmediate(r));
  }
  push(results.peak, peer.name, server.meter.peak());
  await server.end();
}

/** The list, turned by `by` places. */
function inTurn<T>(list: readonly T[], by: number): T[] {
  return list.map((_, i) => list[(i + by) % list.length] as T);
}

type Figure = { cpu: number; wall: number } | { none: string };

function measure(server: Launched, row: ServerRow, divide: number): Figure {
  const { session, meter } = server;
  const prepared = row.prepare(session, Math.max(1, Math.round(row.count / divide)));
  try {
    const cpu = meter.cpu();
    const wall = performance.now();
    const operations = prepared.run();
    const wallUs = (performance.now() - wall) * 1e3;
    return { cpu: (meter.cpu() - cpu) / 1e3 / operations, wall: wallUs / operations };
  } catch (error) {
    if (error instanceof Refused && error.errno === EOPNOTSUPP) return { none: 'not supported' };
    throw new Error(`${row.title}: ${(error as Error).message}`);
  } finally {
    prepared.after?.();
  }
}

function note(results: ServerResults, row: ServerRow, peer: ServerPeer, figure: Figure): void {
  const byPeer = results.rows.get(row.key) ?? new Map<string, Samples>();
  results.rows.set(row.key, byPeer);
  const samples: Samples = byPeer.get(peer.name) ?? { cpu: [], wall: [] };
  byPeer.set(peer.name, samples);
  if ('none' in figure) {
    samples.none = figure.none;
    return;
  }
  samples.cpu.push(figure.cpu);
  samples.wall.push(figure.wall);
}

function push(map: Map<string, number[]>, name: string, value: number): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [value]);
  else list.push(value);
}
