// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TOP } from '../helpers/places.ts';
import { MOUNT_MUTANTS } from './mount-mutants.ts';
import { SERVER_MUTANTS } from './server-mutants.ts';
import { THREATS } from './threats.ts';

test('each threat names tests that are there and mutants that are tried, and each mutant belongs to one', () => {
  const tried = [...SERVER_MUTANTS, ...MOUNT_MUTANTS];
  const names = new Set(tried.map((m) => m.name));
  assert.equal(names.size, tried.length, 'two mutants of one name');
  const named = new Set(THREATS.flatMap((t) => t.mutants));
  assert.deepEqual(
    [...named].filter((n) => !names.has(n)),
    [],
  );
  assert.deepEqual(
    [...names].filter((n) => !named.has(n)),
    [],
  );
  for (const file of [...THREATS.flatMap((t) => t.tests), ...tried.flatMap((m) => m.seenBy)])
    assert.ok(existsSync(join(TOP, file.startsWith('src/') ? '' : 'test', `${file}.test.ts`)), file);
});
