// SPDX-License-Identifier: MIT
// Takes one defence after the other out of the server, the mount, the receiver of copies and the broker and sees the attacks notice: a test that passes without the defence proves nothing.
//
//   node dist/test/attacks/mutants.js [--write FILE] [--resume] [WORD…]     only mutants whose name contains one of the words
//
// --write: which line was removed and what the test said, as a page (docs/ATTACKS.md); what was not tried now keeps its row. --resume: what was noticed before is not tried again, unless the
// file that it changes or its tests are not what they were; records are in .scratch/attacks. Exits 1 when a mutant survives, or when its pattern is not found any more (the code was rewritten: adapt
// the table).

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { OUT, TOP } from '../helpers/places.ts';
import { MUTANTS } from './all-mutants.ts';
import { attacksPage, rowsOf, type Tried } from './page.ts';
import { Records, sha256 } from './records.ts';
import type { Mutant } from './server-mutants.ts';

const SERVER = 'bin/serve-worker.cjs';
/** Of one test, which takes 30 s at the most when nothing is taken out (that is looked at, too). Without a defence some wait for ever. */
const LIMIT_S = '60';

const { values, positionals: words } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'string' }, resume: { type: 'boolean', default: false } },
});
const records = new Records(join(TOP, '.scratch/attacks'));
const place = join(OUT, `mutants-${process.pid}`);
const tried: Tried[] = [];
/** What each test says when nothing was taken out: undefined, or it proves nothing. */
const untouched = new Map<string, string | undefined>();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    rmSync(place, { recursive: true, force: true });
    process.exit(130);
  });
try {
  mkdirSync(place, { recursive: true });
  // Tests of the mount run its modules, not its program: all of the build, once.
  for (const part of ['bin', 'src', 'test']) cpSync(join(OUT, part), join(place, part), { recursive: true });
  for (const mutant of MUTANTS) {
    if (words.length > 0 && !words.some((w) => mutant.name.includes(w))) continue;
    const digest = digestOf(mutant);
    const before = values.resume ? records.good(mutant, digest) : undefined;
    const result = before ?? tryOne(mutant);
    tried.push(result);
    if (before === undefined) records.put(result, digest);
    const known = before === undefined ? '' : ', as before';
    process.stdout.write(`${`${result.verdict}${known}`.padEnd(26)} ${mutant.name}\n`);
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}
const noticed = tried.filter((r) => r.verdict === 'noticed').length;
const bad = tried.filter((r) => !r.good).length;
process.stdout.write(`${noticed} mutants noticed, ${bad} not\n`);
if (values.write !== undefined) {
  const rows = rowsOf(existsSync(values.write) ? readFileSync(values.write, 'utf8') : '');
  writeFileSync(values.write, attacksPage(MUTANTS, tried, rows));
}
process.exitCode = bad > 0 ? 1 : 0;

/** Of all that a result hangs on most: what is changed, where, and who is to notice. */
function digestOf({ file = SERVER, from, to, seenBy }: Mutant): string {
  const texts = [file, ...seenBy.map(testFile)].map((f) => readFileSync(join(OUT, f), 'utf8'));
  return sha256([`${from}`, to, ...texts].join('\0'));
}

/** Where a test lies in the build. */
function testFile(test: string): string {
  return `${test.startsWith('src/') ? '' : 'test/'}${test}.test.js`;
}

function tryOne(mutant: Mutant): Tried {
  const file = join(place, mutant.file ?? SERVER);
  const code = readFileSync(file, 'utf8');
  const pattern = new RegExp(mutant.from, 'g');
  const removed = pattern.exec(code)?.[0] ?? '';
  const changed = code.replace(pattern, mutant.to);
  const result = { mutant, removed, test: '', said: '' };
  if (changed === code) return { ...result, verdict: 'PATTERN NOT FOUND', good: false };
  if (mutant.seenBy.length === 0) return { ...result, verdict: 'refused by the kernel too', good: true };
  writeFileSync(file, changed);
  try {
    for (const test of mutant.seenBy) {
      const said = runTest(test);
      if (said === undefined) continue;
      writeFileSync(file, code);
      if (!untouched.has(test)) untouched.set(test, runTest(test)?.said);
      const alone = untouched.get(test);
      if (alone === undefined) return { ...result, ...said };
      return { ...result, test, said: alone, verdict: 'FAILS WITHOUT IT TOO', good: false };
    }
  } finally {
    writeFileSync(file, code);
  }
  return { ...result, verdict: 'NOT NOTICED', good: false };
}

/** What a test says that fails; undefined when it passes. */
function runTest(test: string): Pick<Tried, 'verdict' | 'good' | 'test' | 'said'> | undefined {
  // timeout(1) ends the whole group: a mutant may hang where it does not see that its client is gone.
  const path = join(place, testFile(test));
  const args = ['--signal=KILL', LIMIT_S, process.execPath, '--test', '--test-reporter=tap', path];
  const run = spawnSync('timeout', args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: {
      ...process.env,
      NINEFOLD_PROGRAMS: join(place, 'bin'),
      NINEFOLD_ATTACK_SANDBOXES: 'none',
      NINEFOLD_WALKS: '20000',
      NINEFOLD_SILENCE_MS: '2000',
      NINEFOLD_FUZZ_MS: '20000',
    },
  });
  if (run.status === 0) return undefined;
  // A mutant that hangs is noticed too: its test would be ended by the time limit of the runner.
  if (run.signal === 'SIGKILL' || run.status === 137)
    return { verdict: 'noticed', good: true, test, said: `did not end within ${LIMIT_S} s` };
  const name = /^\s*not ok \d+ - (.*)$/m.exec(run.stdout)?.[1] ?? '';
  const error = /^\s*error: (?:\|-\s*\n)?\s*(.*)$/m.exec(run.stdout)?.[1] ?? '';
  return {
    verdict: 'noticed',
    good: true,
    test,
    said: `${name}: ${error}`.replaceAll(place, '').replace(/\/tmp\/[\w-]+/g, ''),
  };
}
