// SPDX-License-Identifier: MIT
// Random operations on a target and on a local folder, compared after each.
//
//   node dist/test/random/main.js [--target T,…] [--seed N] [--minutes M] [--replay FILE] [--keep FILE] [--write FILE] [--json]
//
// Targets: mount, mount-user, two (two mounts of one folder), v9fs-none, v9fs-mmap, v9fs-loose, v9fs-any, diod (in a guest), local. --minutes: for each target. --replay: the
// steps of a script instead. --keep: where a failing script goes. --write: the page whose section is made anew. Exits 0 when nothing differed, 1 when something did, 64 on
// usage, 69 when a target could not be had.

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openTarget } from '../conformance/targets.ts';
import { Contest, type Outcome } from './contest.ts';
import { type Row, rowsSection } from './rows.ts';
import { type Step, shown } from './steps.ts';
import { inGuest, SUBJECTS, type Subject } from './subjects.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'mount,two' },
    seed: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    replay: { type: 'string' },
    keep: { type: 'string' },
    write: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const ids = values.target.split(',');
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const ms = Number(values.minutes) * 60_000;
if (ids.some((id) => SUBJECTS[id] === undefined) || !Number.isInteger(seed) || !(ms > 0)) {
  process.stderr.write(
    `usage: main.js [--target ${Object.keys(SUBJECTS).join(',')}] [--seed N] [--minutes M] [--replay FILE] [--keep FILE] [--write FILE] [--json]\n`,
  );
  process.exit(64);
}

const rows: Row[] = [];
for (const id of ids) {
  const subject = SUBJECTS[id] as Subject;
  const begin = performance.now();
  try {
    const outcome = subject.guest && !values.json ? await inGuest(id, seed, ms) : await here(subject);
    const row: Row = {
      id,
      title: subject.title,
      seed,
      seconds: Math.round((performance.now() - begin) / 1000),
      ...outcome,
    };
    rows.push(row);
    tell(row);
  } catch (error) {
    process.stderr.write(`${id}: ${(error as Error).message}\n`);
    process.exitCode = 69;
  }
}
if (values.write !== undefined) {
  rowsSection(values.write, rows);
  process.stdout.write(`written: ${values.write}\n`);
}

async function here(subject: Subject): Promise<Outcome> {
  const target = await openTarget(subject.target, subject.asUser);
  const contest = new Contest(target, subject.quirks, subject.asUser);
  try {
    if (values.replay !== undefined) {
      const steps = readFileSync(values.replay, 'utf8')
        .split('\n')
        .filter((l) => l.startsWith('{'))
        .map((l) => JSON.parse(l) as Step);
      const what = await contest.replay(steps);
      return {
        steps: steps.length,
        compared: 0,
        ...(what === undefined ? {} : { failure: { what, steps, again: true } }),
      };
    }
    let told = performance.now();
    return await contest.random(seed, ms, 120_000, (steps) => {
      if (values.json || performance.now() - told < 10_000) return;
      told = performance.now();
      process.stderr.write(`${subject.title}: ${steps} steps\n`);
    });
  } finally {
    contest.close();
    await target.close();
  }
}

function tell(row: Row): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify(row)}\n`);
    if (row.failure !== undefined) process.exitCode = 1;
    return;
  }
  const { failure } = row;
  const counts = `${row.steps} steps, ${row.compared} whole comparisons, seed ${row.seed}, ${row.seconds} s`;
  process.stdout.write(`${row.title}: ${counts}: ${failure === undefined ? 'no difference' : 'DIFFERENT'}\n`);
  if (failure === undefined) return;
  process.exitCode = 1;
  const script = `${failure.steps.map(shown).join('\n')}\n`;
  process.stdout.write(`${failure.what}\n`);
  if (values.keep !== undefined) writeFileSync(values.keep, script);
  const words = failure.again
    ? `the shortest script found, ${failure.steps.length} steps`
    : `it did not happen again; the last of ${failure.steps.length} steps`;
  process.stdout.write(
    `${words} (again: --target ${row.id} --replay FILE):\n${script.split('\n').slice(-41).join('\n')}`,
  );
}
