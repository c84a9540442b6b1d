// SPDX-License-Identifier: MIT
// Mixed load on one mount for a long time; memory, descriptors and latency are looked at every five seconds and must stay flat (flat.ts has the rule).
//
//   node dist/test/soak/main.js [--minutes N] [--write FILE]
//
// --write: what was found, as JSON. Exits 0 when all is flat and nothing went wrong, 1 otherwise, 64 on usage, 69 without /dev/fuse.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cannotMount } from '../helpers/cli.ts';
import { mountShare, openDescriptors, sides, unmountShare, withGround } from '../scale/ground.ts';
import { judge, median, type Sample } from './flat.ts';

const KINDS = ['files', 'large', 'list'];
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '20' }, write: { type: 'string' } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  process.stderr.write('usage: main.js [--minutes N] [--write FILE]\n');
  process.exit(64);
}
const missing = cannotMount();
if (missing !== undefined) {
  process.stderr.write(`soak: ${missing}\n`);
  process.exit(69);
}
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => (stopped = true));

interface Told {
  rounds: number;
  p50: number;
  p99: number;
  errors: string[];
}

const samples: Sample[] = [];
const errors: string[] = [];
const begin = performance.now();
await withGround('soak', tmpdir(), async (g) => {
  await mountShare(g);
  const { mount, server } = await sides(g);
  const last = new Map<string, Told>();
  const loads = KINDS.map((kind) => {
    mkdirSync(join(g.share, kind));
    const program = fileURLToPath(new URL('./load.js', import.meta.url));
    const child = spawn(process.execPath, [program, kind, join(g.mnt, kind)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: '/',
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const told = JSON.parse(line) as Told;
      last.set(kind, told);
      errors.push(...told.errors.map((e) => `${kind}: ${e}`));
    });
    return child;
  });
  while (!stopped && performance.now() - begin < minutes * 60_000) {
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const dead = loads.findIndex((l) => l.exitCode !== null || l.signalCode !== null);
    if (dead >= 0) {
      errors.push(`the load ${KINDS[dead]} ended by itself`);
      break;
    }
    const told = [...last.values()];
    samples.push({
      at: Math.round((performance.now() - begin) / 1000),
      mountMB: residentMB(mount),
      serverMB: residentMB(server),
      mountFds: openDescriptors(mount),
      serverFds: openDescriptors(server),
      p50: median(told.map((x) => x.p50)),
      p99: median(told.map((x) => x.p99)),
      rounds: told.reduce((sum, x) => sum + x.rounds, 0),
    });
    const s = samples.at(-1) as Sample;
    if (samples.length % 12 === 0) process.stderr.write(`soak: ${JSON.stringify(s)}\n`);
  }
  await Promise.all(loads.map(end));
  await unmountShare(g);
});

function residentMB(pid: number): number {
  const kB = /^VmRSS:\s*([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Math.round(Number(kB) / 102.4) / 10;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.stdin?.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(timer);
}

const verdicts = judge(samples);
for (const v of verdicts)
  process.stdout.write(
    `${v.flat ? 'flat    ' : 'NOT FLAT'} ${v.what}: ${v.early} then ${v.late}, at most ${v.limit}\n`,
  );
for (const e of errors.slice(0, 20)) process.stdout.write(`WENT WRONG ${e}\n`);
const rounds = samples.reduce((sum, s) => sum + s.rounds, 0);
const seconds = Math.round((performance.now() - begin) / 1000);
process.stdout.write(`${rounds} rounds in ${seconds} s, ${errors.length} errors\n`);
if (values.write !== undefined)
  writeFileSync(
    values.write,
    `${JSON.stringify({ seconds, rounds, errors: errors.slice(0, 20), verdicts, samples })}\n`,
  );
process.exitCode = errors.length > 0 || stopped || !verdicts.every((v) => v.flat) ? 1 : 0;
