// SPDX-License-Identifier: MIT
// The long tier by one command, two at a time.
//
//   node dist/test/long/main.js [--write FILE] [--page] [NAME…]
//
// Records go to .scratch/long, so that a part can be run again; --write makes the page of all that are there (docs/FAULTS.md), --page does nothing else.
// Exits 0 when all that ran was good, 1 otherwise, 64 on usage, 130 when interrupted.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { TOP } from '../helpers/places.ts';
import { type Record_, reliabilityPage, type Whole } from './page.ts';
import { TIERS, type Tier } from './tiers.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'string' }, page: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((n) => !TIERS.some((t) => t.name === n));
if (unknown.length > 0) {
  process.stderr.write(
    `usage: main.js [--write FILE] [--page] [NAME…], of ${TIERS.map((t) => t.name).join(', ')}\n`,
  );
  process.exit(64);
}
const kept = join(TOP, '.scratch/long');
mkdirSync(kept, { recursive: true });
const running = new Set<ChildProcess>();
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    stopped = true;
    for (const child of running) child.kill('SIGTERM');
  });

const wanted = TIERS.filter((t) => positionals.length === 0 || positionals.includes(t.name));
const bad: string[] = [];
const WHOLE = 'whole.json';
/** Beside each other: a machine of two processors is kept busy, and what waits for a disk or a guest does not hold the rest up. */
const AT_A_TIME = 2;
const begun = performance.now();
if (!values.page) {
  const waiting = [...wanted];
  const take = async (): Promise<void> => {
    for (let tier = waiting.shift(); tier !== undefined && !stopped; tier = waiting.shift()) await one(tier);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, take));
  const minutes = Math.round((performance.now() - begun) / 6000) / 10;
  process.stdout.write(`${minutes} minutes\n`);
  if (wanted.length === TIERS.length && !stopped)
    writeFileSync(
      join(kept, WHOLE),
      JSON.stringify({ minutes, when: new Date().toISOString(), bad } satisfies Whole),
    );
}
if (values.write !== undefined) writeFileSync(values.write, reliabilityPage(records(), machine(), whole()));
process.exitCode = stopped ? 130 : bad.length > 0 ? 1 : 0;

async function one(tier: Tier): Promise<void> {
  process.stdout.write(`begins: ${tier.name}\n`);
  const record = await runTier(tier);
  writeFileSync(join(kept, `${tier.name}.json`), JSON.stringify(record));
  if (record.status !== 'good') bad.push(tier.name);
  process.stdout.write(`${record.status.padEnd(8)} ${String(record.seconds).padStart(5)} s  ${tier.name}\n`);
  for (const n of record.notes) process.stdout.write(`         ${n}\n`);
}

function records(): Record_[] {
  return TIERS.map((t) => join(kept, `${t.name}.json`))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Record_);
}

/** The last time that everything ran by one command. */
function whole(): Whole | undefined {
  const file = join(kept, WHOLE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Whole) : undefined;
}

function machine(): string {
  return `Linux ${release()}, Node ${process.version}, ${availableParallelism()} processors.`;
}

function runTier(tier: Tier): Promise<Record_> {
  const [command = '', ...args] = tier.command;
  const begin = performance.now();
  const child = spawn(command === 'node' ? process.execPath : command, args, {
    cwd: TOP,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...tier.env },
  });
  running.add(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (d: Buffer) => (text = (text + d.toString()).slice(-200_000)));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 5000).unref();
  }, tier.limit * 1000);
  return new Promise((resolve) => {
    const finish = (end: string): void => {
      clearTimeout(timer);
      running.delete(child);
      writeFileSync(join(kept, `${tier.name}.log`), text);
      resolve({
        name: tier.name,
        what: tier.what,
        command: tier.command.join(' '),
        env: tier.env ?? {},
        status: late ? `not done after ${tier.limit} s` : end,
        seconds: Math.round((performance.now() - begin) / 1000),
        when: new Date().toISOString(),
        notes: notesOf(text),
      });
    };
    child.once('error', (error) => finish(error.message));
    child.once('close', (code, signal) => finish(code === 0 ? 'good' : `FAILED (${signal ?? code})`));
  });
}

/** Tests that passed, what they told of counts and seeds, and the lines of a program that speaks for itself. */
function notesOf(text: string): string[] {
  const lines = text.split('\n').map((l) => l.trim());
  if (!text.startsWith('TAP')) return lines.filter((l) => l !== '' && !l.startsWith('soak: {')).slice(-20);
  return lines
    .filter(
      (l) =>
        /^(ok|not ok) \d+ - /.test(l) ||
        (/^# /.test(l) &&
          !/^# (Subtest|tests|suites|pass|fail|cancelled|skipped|todo|duration_ms)\b/.test(l)),
    )
    .map((l) => l.replace(/^# /, '').replace(/^(ok|not ok) \d+ - /, '$1: '))
    .slice(0, 40);
}
