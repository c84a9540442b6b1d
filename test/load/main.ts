// SPDX-License-Identifier: MIT
// Programs from outside use our mount of our server hard; a table of how each ended.
//
//   node dist/test/load/main.js [--only RE] [--write FILE]
//
// --write: the page whose section "Load" is made anew. Exits 0 when all was clean, 1 when something was not, 64 on usage, 69 when a program that is needed is not installed
// or the mount cannot be had.

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { noMount, openTarget } from '../conformance/targets.ts';
import { putSection } from '../helpers/sections.ts';
import { JOBS, type Job } from './jobs.ts';
import { Runner } from './run.ts';

interface Row {
  name: string;
  result: string;
  ok: boolean | undefined;
  seconds: number;
}

const { values } = parseArgs({ options: { only: { type: 'string' }, write: { type: 'string' } } });
const only = new RegExp(values.only ?? '');
const jobs = JOBS.filter((j) => only.test(j.name));
if (jobs.length === 0) {
  process.stderr.write(
    `usage: main.js [--only RE] [--write FILE]\njobs: ${JOBS.map((j) => j.name).join('; ')}\n`,
  );
  process.exit(64);
}
const missing = noMount() ?? (process.geteuid?.() === 0 ? undefined : 'needs root');
if (missing !== undefined) {
  process.stderr.write(`load: ${missing}\n`);
  process.exit(69);
}

const rows: Row[] = [];
const target = await openTarget('mount', false);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(
    signal,
    () => void target.close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143)),
  );
try {
  for (const [i, job] of jobs.entries()) {
    const row = await one(job, join(target.dir, `job${i}`), join(target.beside as string, `job${i}`));
    rows.push(row);
    const word = row.ok === undefined ? 'NOT RUN' : row.ok ? 'clean' : 'FAILED';
    process.stdout.write(
      `${word.padEnd(8)} ${String(row.seconds).padStart(4)} s  ${row.name}: ${row.result}\n`,
    );
  }
} finally {
  await target.close();
}
if (values.write !== undefined)
  putSection(values.write, 'Load', [
    `Made by \`npm run load -- --write docs/RELIABILITY.md\` on Linux ${release()}, Node ${process.version}: programs from outside on our mount of our server, each in a folder of its own and`,
    'within a time limit. “Clean”: the program ended without an error, and what it checked, or what is compared here afterwards, was right. The seconds are those of a busy machine.',
    '',
    '| program | result | seconds | what was done |',
    '|---|---|---|---|',
    ...rows.map(
      (r) =>
        `| ${r.name} | ${r.ok === undefined ? 'not run' : r.ok ? 'clean' : 'FAILED'} | ${r.seconds} | ${r.result.replaceAll('|', '\\|')} |`,
    ),
  ]);
process.exitCode = rows.some((r) => r.ok === false) ? 1 : rows.some((r) => r.ok === undefined) ? 69 : 0;

async function one(job: Job, dir: string, local: string): Promise<Row> {
  const { command } = job.needs;
  const path = `${process.env.PATH}:/usr/sbin:/sbin`;
  if (spawnSync('sh', ['-c', `command -v ${command}`], { env: { ...process.env, PATH: path } }).status !== 0)
    return { name: job.name, result: `needs the package ${job.needs.package}`, ok: undefined, seconds: 0 };
  const begin = performance.now();
  const row = (ok: boolean, result: string): Row => ({
    name: job.name,
    result,
    ok,
    seconds: Math.round((performance.now() - begin) / 1000),
  });
  try {
    for (const folder of [dir, local]) mkdirSync(folder);
    const did = await job.run(new Runner(dir, local, job.limitMs));
    return row(true, did);
  } catch (error) {
    return row(false, (error as Error).message);
  } finally {
    for (const folder of [dir, local]) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
