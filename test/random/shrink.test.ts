// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, Rng } from './rng.ts';
import { shrink } from './shrink.ts';

test('a list is shrunk to what matters, in its order, and keeps its last item', async () => {
  const items = Array.from({ length: 500 }, (_, i) => i);
  let tries = 0;
  const fails = async (some: readonly number[]): Promise<boolean> => {
    tries++;
    return some.includes(17) && some.includes(301) && some.at(-1) === 499;
  };
  assert.deepEqual(await shrink(items, fails, () => true), [17, 301, 499]);
  assert.ok(tries < 200, `${tries} tries`);
});

test('shrinking ends when it is told to, with a list that fails', async () => {
  let left = 3;
  const items = Array.from({ length: 64 }, (_, i) => i);
  const some = await shrink(
    items,
    async (s) => s.includes(60),
    () => left-- > 0,
  );
  assert.ok(some.includes(60) && some.length > 1);
});

test('the same seed gives the same numbers and bytes', () => {
  const [a, b] = [new Rng(7), new Rng(7)];
  const numbers = Array.from({ length: 5 }, () => a.below(1000));
  assert.deepEqual(
    numbers,
    Array.from({ length: 5 }, () => b.below(1000)),
  );
  assert.ok(new Set(numbers).size > 1);
  assert.deepEqual(bytes(3, 100), bytes(3, 200).subarray(0, 100));
});
