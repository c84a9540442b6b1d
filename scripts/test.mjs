// SPDX-License-Identifier: MIT
// Runs every *.test.js below dist/ with node:test, prints what was skipped and why, and exits 1 on any failure.
//
//   npm test                      all
//   npm test -- p9-server mount   only test files whose path contains one of the words
//   node scripts/test.mjs --out .scratch/x WORD…
//
// A skip without a reason fails. With NINEFOLD_NO_PACKAGE_SKIPS=1 (CI) so does one whose reason names a missing package:
// there, what can be installed must be. NINEFOLD_FAILURES names a file that gets a line for each failure.
import { appendFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
const out = resolve(top, values.out ?? 'dist');
// Fixtures are named from the package's root.
process.chdir(top);

const files = [];
for (const room of ['src', 'test', 'bench']) collect(join(out, room));
function collect(dir) {
  let entries;
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch {
    return;
  }
  for (const e of entries) {
    const path = join(dir, e.name);
    if (e.isDirectory()) collect(path);
    else if (e.name.endsWith('.test.js') && positionalsMatch(relative(out, path))) files.push(path);
  }
}
function positionalsMatch(path) {
  return positionals.length === 0 || positionals.some((w) => path.includes(w));
}

if (files.length === 0) {
  console.error(`no test file matches ${positionals.join(' ') || '(all)'} below ${relative(top, out)}`);
  process.exit(1);
}
let failed = 0;
const skipped = [];
/** One failure in one line, for a summary far below. */
function fail(name, why) {
  failed++;
  const line = `${name}: ${why}`.replace(/\s+/g, ' ').slice(0, 400);
  if (process.env.NINEFOLD_FAILURES) appendFileSync(process.env.NINEFOLD_FAILURES, `${line}\n`);
}
const stream = run({ files: files.sort(), concurrency: availableParallelism(), timeout: 300_000 });
stream.on('test:fail', (e) => {
  if (e.todo !== undefined) return;
  const { cause, message } = e.details.error;
  fail(e.name, cause?.message ?? cause ?? message);
});
stream.on('test:pass', (e) => {
  if (e.skip === undefined) return;
  const refused =
    typeof e.skip !== 'string' ||
    (process.env.NINEFOLD_NO_PACKAGE_SKIPS === '1' && /\bpackages?\b/.test(e.skip));
  if (refused) fail(e.name, `skipped: ${e.skip}`);
  skipped.push(
    `${e.name}: ${typeof e.skip === 'string' ? e.skip : 'no reason given'}${refused ? '  <- counts as a failure here' : ''}`,
  );
});
stream.compose(new spec()).pipe(process.stdout);
stream.on('end', () => {
  setImmediate(() => {
    if (skipped.length > 0)
      console.log(`\nskipped, with the reason:\n${skipped.map((s) => `  ${s}`).join('\n')}`);
    process.exitCode = failed > 0 ? 1 : 0;
  });
});
