// SPDX-License-Identifier: MIT
// prober DIR: someone who works in another share meanwhile. Writes, syncs, reads back, lists and looks, 50 times a second, until stdin ends; then prints
// what went wrong and the times of the looks, as JSON.

import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const [dir = ''] = process.argv.slice(2);
const errors: string[] = [];
const times: number[] = [];
let rounds = 0;

const timer = setInterval(() => {
  const name = join(dir, `probe-${rounds % 20}`);
  const text = `round ${rounds}\n`;
  try {
    const fd = openSync(name, 'w');
    writeSync(fd, text);
    fsyncSync(fd);
    closeSync(fd);
    if (readFileSync(name, 'utf8') !== text) errors.push(`round ${rounds}: read something else`);
    if (!readdirSync(dir).includes(`probe-${rounds % 20}`)) errors.push(`round ${rounds}: not listed`);
    const begin = performance.now();
    statSync(dir);
    times.push(performance.now() - begin);
    unlinkSync(name);
  } catch (error) {
    errors.push(`round ${rounds}: ${error}`);
  }
  rounds++;
}, 20);

process.stdin.resume();
process.stdin.once('end', () => {
  clearInterval(timer);
  times.sort((a, b) => a - b);
  const p99 = times[Math.floor(times.length * 0.99)] ?? 0;
  process.stdout.write(
    JSON.stringify({ rounds, errors: errors.slice(0, 10), p99: Math.round(p99 * 1000) / 1000 }),
  );
});
