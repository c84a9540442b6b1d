// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { OUT, TOP } from '../helpers/places.ts';
import { ALL_THREATS, MUTANTS } from './all-mutants.ts';

test('each threat names tests that are there and mutants that are tried, and each mutant belongs to one', () => {
  const names = new Set(MUTANTS.map((m) => m.name));
  assert.equal(names.size, MUTANTS.length, 'two mutants of one name');
  const named = new Set(ALL_THREATS.flatMap((t) => t.mutants));
  assert.deepEqual(
    [...named].filter((n) => !names.has(n)),
    [],
  );
  assert.deepEqual(
    [...names].filter((n) => !named.has(n)),
    [],
  );
  for (const file of [...ALL_THREATS.flatMap((t) => t.tests), ...MUTANTS.flatMap((m) => m.seenBy)])
    assert.ok(existsSync(join(TOP, file.startsWith('src/') ? '' : 'test', `${file}.test.ts`)), file);
});

test('what a mutant takes out is there: a defence that was written anew needs its pattern anew', () => {
  for (const { name, file = 'bin/serve-worker.cjs', from } of MUTANTS)
    assert.match(readFileSync(join(OUT, file), 'utf8'), from, name);
});
