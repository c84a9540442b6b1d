// SPDX-License-Identifier: MIT

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_WRONLY } from '../../src/base/sys.ts';
import { GETATTR_BASIC } from '../../src/p9/constants.ts';
import { T } from '../../src/p9/messages.ts';
import type { Place } from '../common/folder.ts';
import { random } from '../common/stats.ts';
import { DATA_BYTES, FLAT, flatName } from './fixture.ts';
import * as put from './requests.ts';
import { bytes, ROOT, type Session } from './session.ts';
import { MSIZE } from './wire.ts';

/** A workload of the server. */
export interface ServerRow {
  /** What `--row` matches. */
  readonly key: string;
  readonly title: string;
  /** Most µs of CPU per operation that we want to need, on the machine where the goals were set. */
  readonly goal: number;
  /** What diod needed there: machines differ by a factor of two, and then it is the ratio that counts. Left out where diod cannot do it. */
  readonly diod?: number;
  /** Where its files are; on disk when left out. */
  readonly place?: Place;
  /** How often `run` repeats its step in a full measurement. */
  readonly count: number;
  /** Not measured; returns what `run` takes and what to do after. */
  readonly prepare: (s: Session, count: number) => Prepared;
}

export interface Prepared {
  /** Does the work and returns the number of operations: requests answered, or entries for a listing. */
  run(): number;
  after?(): void;
}

const FID = 1;
const FILE = 2;
const IO = MSIZE - 24;
const BLOCK = 4096;
/** 16 MB. Over a far larger file both servers mostly wait for memory: 27 µs each, of which 15 are the copy into the page cache. */
const WRITE_BLOCKS = 250;
const flat = Array.from({ length: FLAT }, (_, i) => bytes(flatName(i)));

/** The server's rows: /proc figures of one request of each kind. Every request counts as one operation, but for readdir. */
export const SERVER_ROWS: readonly ServerRow[] = [
  {
    key: 'create',
    title: 'create + write 100 B + clunk, per request',
    goal: 8,
    diod: 8.9,
    place: 'memory',
    count: 5000,
    prepare: (s, count) => {
      const name = s.fresh('created-');
      const dir = join(s.dir, 'out', name);
      mkdirSync(dir);
      s.walk(FID, 'out', name);
      const names = Array.from({ length: count }, (_, i) => bytes(flatName(i)));
      s.w.out.u8.fill(0x61, 0, 4096);
      const run = (): number => {
        const { w } = s;
        for (let i = 0; i < count; i++) {
          w.call(put.walk(w.out, 0, 1, FID, FILE, []));
          w.call(
            put.lcreate(w.out, 0, 1, FILE, names[i] as Uint8Array, O_CREAT | O_EXCL | O_WRONLY, 0o644, 0),
          );
          w.call(put.write(w.out, 0, 1, FILE, 0, 100));
          w.call(put.clunk(w.out, 0, 1, FILE));
        }
        return 4 * count;
      };
      return { run, after: () => closeAndRemove(s, FID, dir) };
    },
  },
  getattrs('getattr', 'getattr, one at a time', { goal: 4.5, diod: 6.2 }, 20_000, 1),
  getattrs('getattr-32', 'getattr, 32 in flight', { goal: 1, diod: 4.6 }, 60_000, 32),
  {
    key: 'walk',
    title: 'walk of 2 names + clunk',
    goal: 4.5,
    diod: 6.7,
    count: 10_000,
    prepare: (s, count) => {
      const names = [bytes('a'), bytes('b')];
      const run = (): number => {
        const { w } = s;
        for (let i = 0; i < count; i++) {
          w.call(put.walk(w.out, 0, 1, ROOT, FID, names));
          w.call(put.clunk(w.out, 0, 1, FID));
        }
        return 2 * count;
      };
      return { run };
    },
  },
  {
    key: 'stat-files',
    title: 'walk, getattr, clunk per file',
    goal: 4.5,
    diod: 6.6,
    count: 8000,
    prepare: (s, count) => {
      s.walk(FID, 'flat');
      const run = (): number => {
        const { w } = s;
        const name: Uint8Array[] = [];
        for (let i = 0; i < count; i++) {
          name[0] = flat[i % FLAT] as Uint8Array;
          w.call(put.walk(w.out, 0, 1, FID, FILE, name));
          w.call(put.getattr(w.out, 0, 1, FILE, GETATTR_BASIC));
          w.call(put.clunk(w.out, 0, 1, FILE));
        }
        return 3 * count;
      };
      return { run, after: () => s.clunk(FID) };
    },
  },
  {
    key: 'readdir',
    title: 'readdir of 2,000 entries, per entry',
    goal: 0.22,
    diod: 0.22,
    count: 100,
    prepare: (s, count) => ({
      run: () => {
        let entries = 0;
        for (let i = 0; i < count; i++) {
          s.walk(FID, 'flat');
          s.lopen(FID, O_RDONLY | O_DIRECTORY);
          entries += s.list(FID);
          s.clunk(FID);
        }
        return entries;
      },
    }),
  },
  {
    key: 'write-64k',
    title: 'write 64 KiB in order',
    goal: 17,
    diod: 22,
    count: 2000,
    prepare: (s, count) => {
      // Over and over the bytes that are there: what is measured is the server, not the file system's search for space.
      const name = s.fresh('written-');
      const path = join(s.dir, 'out', name);
      writeFileSync(path, new Uint8Array(IO * WRITE_BLOCKS));
      s.walk(FILE, 'out', name);
      s.lopen(FILE, O_WRONLY);
      const run = (): number => {
        const { w } = s;
        for (let i = 0; i < count; i++) w.call(put.write(w.out, 0, 1, FILE, (i % WRITE_BLOCKS) * IO, IO));
        return count;
      };
      return { run, after: () => closeAndRemove(s, FILE, path) };
    },
  },
  {
    key: 'read-64k',
    title: 'read 64 KiB in order',
    goal: 13,
    diod: 17,
    count: 4000,
    prepare: (s, count) => {
      openData(s);
      const blocks = Math.floor(DATA_BYTES / IO);
      const run = (): number => {
        const { w } = s;
        for (let i = 0; i < count; i++) w.call(put.read(w.out, 0, T.read, 1, FILE, (i % blocks) * IO, IO));
        return count;
      };
      return { run, after: () => s.clunk(FILE) };
    },
  },
  reads('read-4k', 'read 4 KiB at random, one at a time', { goal: 5, diod: 6.8 }, 20_000, 1),
  reads('read-4k-32', 'read 4 KiB at random, 32 in flight', { goal: 1.4, diod: 5.1 }, 40_000, 32),
  {
    key: 'unlinkat',
    title: 'unlinkat',
    goal: 8,
    place: 'memory',
    count: 5000,
    prepare: (s, count) => {
      const name = s.fresh('gone-');
      const dir = join(s.dir, 'out', name);
      mkdirSync(dir);
      const names = Array.from({ length: count }, (_, i) => flatName(i));
      for (const n of names) writeFileSync(join(dir, n), 'x');
      s.walk(FID, 'out', name);
      const wire = names.map(bytes);
      const run = (): number => {
        const { w } = s;
        for (let i = 0; i < count; i++) w.call(put.unlinkat(w.out, 0, 1, FID, wire[i] as Uint8Array));
        return count;
      };
      return { run, after: () => closeAndRemove(s, FID, dir) };
    },
  },
];

type Aim = Pick<ServerRow, 'goal' | 'diod'>;

function getattrs(key: string, title: string, aim: Aim, count: number, depth: number): ServerRow {
  return {
    key,
    title,
    ...aim,
    count,
    prepare: (s, count) => {
      s.walk(FILE, 'flat', flatName(7));
      const one = (off: number, tag: number): number => put.getattr(s.w.out, off, tag, FILE, GETATTR_BASIC);
      return { run: () => inFlight(s, depth, count, T.getattr, one), after: () => s.clunk(FILE) };
    },
  };
}

function reads(key: string, title: string, aim: Aim, count: number, depth: number): ServerRow {
  return {
    key,
    title,
    ...aim,
    count,
    prepare: (s, count) => {
      openData(s);
      const next = random(count);
      const blocks = DATA_BYTES / BLOCK;
      const one = (off: number, tag: number): number =>
        put.read(s.w.out, off, T.read, tag, FILE, Math.floor(next() * blocks) * BLOCK, BLOCK);
      return { run: () => inFlight(s, depth, count, T.read, one), after: () => s.clunk(FILE) };
    },
  };
}

function inFlight(
  s: Session,
  depth: number,
  count: number,
  type: number,
  one: (off: number, tag: number) => number,
): number {
  if (depth > 1) s.pipeline(depth, count, type, one);
  else for (let i = 0; i < count; i++) s.w.call(one(0, 1));
  return count;
}

function openData(s: Session): void {
  // A page cache does not last; this brings back what it has lost.
  readFileSync(join(s.dir, 'data'));
  s.walk(FILE, 'data');
  s.lopen(FILE, O_RDONLY);
}

function closeAndRemove(s: Session, fid: number, path: string): void {
  s.clunk(fid);
  rmSync(path, { recursive: true });
}
