// SPDX-License-Identifier: MIT
// How long a look at a file takes while eight reads wait for a disk of 1 MiB a second.
//
//   node dist/test/faults/slow-main.js [--seconds N] [--rounds N] [--write FILE]
//
// --write: the page whose section is made anew (docs/RELIABILITY.md). Wants a machine that is not busy. Exits 0 when the median of the rounds' 99th percentiles is
// below 5 ms, 1 when not, 64 on usage, 69 where no disk can be slowed down.

import { getPriority, release } from 'node:os';
import { parseArgs } from 'node:util';
import { putSection } from '../helpers/sections.ts';
import { noSlowDisk, type SlowReport, slowDisk } from './slow-disk.ts';

const BOUND_MS = 5;
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
    write: { type: 'string' },
  },
});
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
if (!(seconds > 0) || !(rounds >= 1)) {
  process.stderr.write('usage: slow-main.js [--seconds N] [--rounds N] [--write FILE]\n');
  process.exit(64);
}
const why = noSlowDisk();
if (why !== undefined) {
  process.stderr.write(`slow disk: ${why}\n`);
  process.exit(69);
}
const all: SlowReport[] = [];
for (let i = 0; i < rounds; i++) {
  const r = await slowDisk(seconds);
  all.push(r);
  process.stdout.write(`${JSON.stringify(r)}\n`);
}
const p99 = all.map((r) => r.p99).sort((a, b) => a - b)[Math.floor(all.length / 2)] as number;
const nice = getPriority();
const before = nice === 0 ? '' : `nice -n ${nice} `;
if (values.write !== undefined)
  putSection(values.write, 'A slow disk', [
    `Made by \`${before}node dist/test/faults/slow-main.js --seconds ${seconds} --rounds ${rounds} --write docs/RELIABILITY.md\` on Linux ${release()}, Node ${process.version}: eight programs read through a mount of`,
    'ours from a disk that the kernel lets give 1 MiB a second (a loop device, throttled), and each waits for its read; another looks (stat) every 2 ms at one of 2,000 files that this mount has',
    'not seen before. What is asked for: a 99th percentile below 5 ms.',
    '',
    '| looks | median, ms | 99th percentile, ms | longest, ms | read meanwhile, bytes a second |',
    '|---|---|---|---|---|',
    ...all.map((r) => `| ${r.looks} | ${r.p50} | ${r.p99} | ${r.max} | ${r.readRate} |`),
  ]);
process.exitCode = p99 < BOUND_MS ? 0 : 1;
