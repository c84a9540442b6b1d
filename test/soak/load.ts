// SPDX-License-Identifier: MIT
// load KIND DIR: works in DIR until stdin ends, one kind of work; every 5 s prints how much, how long a look at the folder took, and what went wrong.

import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const [kind = '', dir = ''] = process.argv.slice(2);
const block = Buffer.alloc(256 * 1024, kind);
const got = Buffer.alloc(block.length);
let round = 0;

/** One round of each kind, some milliseconds to some tens of them. */
const WORK: Readonly<Record<string, () => void>> = {
  /** Makes, syncs, renames and removes small files. */
  files() {
    const folder = join(dir, `d${round % 50}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    for (let i = 0; i < 10; i++) {
      const fd = openSync(join(folder, `f${i}`), 'w');
      writeSync(fd, block, 0, 100 + ((round * 37 + i * 1013) % 20_000));
      if (i === 0) fsyncSync(fd);
      closeSync(fd);
    }
    renameSync(join(folder, 'f1'), join(folder, 'f2'));
    symlinkSync('f3', join(folder, 'link'));
    unlinkSync(join(folder, 'f4'));
  },
  /** Writes and reads a file of 32 MiB at all places, and cuts it now and then. */
  large() {
    const fd = openSync(join(dir, 'large'), round === 0 ? 'w+' : 'r+');
    const at = ((round * 7919) % 128) * block.length;
    writeSync(fd, block, 0, block.length, at);
    readSync(fd, got, 0, got.length, at);
    if (!got.equals(block)) throw new Error(`read something else at ${at}`);
    if (round % 500 === 499) ftruncateSync(fd, 0);
    closeSync(fd);
  },
  /** Lists a folder of 1,000 files with a look at each, while one of them is replaced. */
  list() {
    if (round === 0) for (let i = 0; i < 1000; i++) writeFileSync(join(dir, `e${i}`), `${i}`);
    writeFileSync(join(dir, 'new'), `${round}`);
    renameSync(join(dir, 'new'), join(dir, `e${round % 1000}`));
    const names = readdirSync(dir);
    if (names.length !== 1000) throw new Error(`${names.length} names`);
    for (const n of names) statSync(join(dir, n));
  },
};

const work = WORK[kind];
if (work === undefined) throw new Error(`no such kind: ${kind}`);
let times: number[] = [];
let rounds = 0;
let errors: string[] = [];
let over = false;

const tell = setInterval(() => {
  times.sort((a, b) => a - b);
  const at = (q: number): number => Math.round((times[Math.floor(times.length * q)] ?? 0) * 1000) / 1000;
  process.stdout.write(
    `${JSON.stringify({ rounds, p50: at(0.5), p99: at(0.99), errors: errors.slice(0, 5) })}\n`,
  );
  times = [];
  rounds = 0;
  errors = [];
}, 5000);

function turn(): void {
  if (over) return;
  try {
    work?.();
    const begin = performance.now();
    statSync(dir);
    times.push(performance.now() - begin);
  } catch (error) {
    errors.push(`round ${round}: ${error}`);
  }
  round++;
  rounds++;
  // A pause between rounds: the machine is not to be full, but the load to be long.
  setTimeout(turn, kind === 'list' ? 100 : 10);
}
turn();
process.stdin.resume();
process.stdin.once('end', () => {
  over = true;
  clearInterval(tell);
  setTimeout(() => process.exit(0), 500);
});
