// SPDX-License-Identifier: MIT
// Runs the conformance cases on every target, in guests where a target needs one, and judges each failure.
//
//   node dist/test/conformance/page.js [--places ID,…] [--only RE] [--keep FOLDER] [--write FILE] [--minutes N]
//
// --keep: outcomes are kept in FOLDER, a file for each target: a target that has one is not run again, and one that was interrupted is gone on with. --write: the page goes to
// FILE (docs/CONFORMANCE.md). --minutes: the most that one target may take (60). Exits 0 when nothing failed that is not explained,
// 1 when something did, 64 on usage, 69 when a target could not be run.

import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { debianKernel, noGuest } from '../guest/kernel.ts';
import { cases } from './cases/index.ts';
import { LIMITS, limitOf } from './limits.ts';
import { kept, PLACES, type Place, runPlace } from './places.ts';
import type { Outcome } from './run.ts';
import { type Column, count, judge, sheet } from './sheet.ts';

const { values } = parseArgs({
  options: {
    places: { type: 'string' },
    only: { type: 'string' },
    keep: { type: 'string' },
    write: { type: 'string' },
    minutes: { type: 'string', default: '60' },
  },
});
/** Cases of one guest. */
const BATCH = 160;
const limitMs = Number(values.minutes) * 60_000;
const ids = values.places?.split(',') ?? PLACES.map((p) => p.id);
const unknown = ids.filter((id) => !PLACES.some((p) => p.id === id));
if (unknown.length > 0 || !(limitMs > 0)) {
  process.stderr.write(
    `usage: page.js [--places ${PLACES.map((p) => p.id).join(',')}] [--only RE] [--keep FOLDER] [--write FILE] [--minutes N]\n`,
  );
  process.exit(64);
}

const columns: Column[] = [];
for (const id of ids) {
  const place = PLACES.find((p) => p.id === id) as Place;
  try {
    columns.push({ place, outcomes: (await outcomesOf(place)).map((o) => judge(place, o, limitOf)) });
  } catch (error) {
    process.stderr.write(`${id}: ${(error as Error).message}\n`);
    process.exitCode = 69;
  }
}
for (const column of columns) {
  const { place, outcomes } = column;
  const counts = (['passed', 'limit', 'cannot', 'failed'] as const).map((v) => `${count(column, v)} ${v}`);
  process.stdout.write(`${place.id}: ${counts.join(', ')}\n`);
  for (const o of outcomes)
    if (o.verdict === 'failed') process.stdout.write(`  FAILED ${o.name}\n         ${o.why}\n`);
  for (const o of outcomes)
    if (o.verdict === 'passed' && limitOf(place.id, o.name) !== undefined)
      process.stdout.write(`  passed, though listed as a limit: ${o.name}\n`);
}
for (const name of LIMITS.flatMap((l) => l.cases))
  if (!(name in cases)) {
    process.stdout.write(`limits.ts names a case that is not there: ${name}\n`);
    process.exitCode = 1;
  }
if (columns.some((c) => (count(c, 'failed') > 0 && !c.place.others) || c.outcomes.length === 0))
  process.exitCode ||= 1;
if (values.write !== undefined) {
  writeFileSync(values.write, sheet(columns, Object.keys(cases).length, facts()));
  process.stdout.write(`written: ${values.write}\n`);
}

/**
 * In batches, each in a guest of its own where the place needs one, so that a guest that breaks down takes only its batch with it. What an earlier, interrupted run left
 * in the folder of --keep is gone on with.
 */
async function outcomesOf(place: Place): Promise<Outcome[]> {
  // Whole, because who runs the cases starts elsewhere.
  const folder =
    values.keep === undefined ? mkdtempSync(join(tmpdir(), 'ninefold-conformance-')) : resolve(values.keep);
  mkdirSync(folder, { recursive: true });
  const [whole, part] = [join(folder, `${place.id}.jsonl`), join(folder, `${place.id}.jsonl.new`)];
  try {
    if (existsSync(whole)) return kept(whole);
    const missing = place.guest ? noGuest() : undefined;
    if (missing !== undefined) throw new Error(missing);
    appendFileSync(part, '');
    const wanted = Object.keys(cases).filter((name) => new RegExp(values.only ?? '').test(name));
    const begin = performance.now();
    for (let before = -1; ; ) {
      const done = new Set(kept(part).map((o) => o.name));
      if (wanted.every((name) => done.has(name))) break;
      const limitLeft = limitMs - (performance.now() - begin);
      if (limitLeft <= 0)
        throw new Error(`${done.size} of ${wanted.length} cases in ${values.minutes} minutes`);
      // A batch that ran not one case would be followed by another like it.
      if (done.size === before)
        throw new Error(`a batch ended without an outcome; ${done.size} cases are done`);
      before = done.size;
      await runPlace(place, {
        ...(values.only === undefined ? {} : { only: values.only }),
        skip: part,
        count: place.guest ? BATCH : wanted.length,
        limitMs: Math.ceil(limitLeft),
        report: (o) => {
          appendFileSync(part, `${JSON.stringify(o)}\n`);
          if (o.status === 'failed') process.stderr.write(`${place.id}: ${o.name}: ${o.why}\n`);
        },
        words: () => undefined,
      }).catch((error: Error) => process.stderr.write(`${place.id}: ${error.message}\n`));
    }
    const seconds = Math.round((performance.now() - begin) / 1000);
    process.stderr.write(`${place.id}: ${wanted.length} cases in ${seconds} s\n`);
    renameSync(part, whole);
    return kept(whole);
  } finally {
    if (values.keep === undefined) rmSync(folder, { recursive: true });
  }
}

function facts(): string[] {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a format of dpkg-query
  const diod = spawnSync('dpkg-query', ['-W', '-f=${Version}', 'diod'], { encoding: 'utf8' });
  return [
    `${Object.keys(cases).length} cases`,
    `Linux ${release()} and Node ${process.version}`,
    ...(columns.some((c) => c.place.guest) ? [`in the guest: Debian's Linux ${debianKernel().version}`] : []),
    ...(columns.some((c) => c.place.id === 'diod') ? [`diod ${diod.stdout}`] : []),
  ];
}
