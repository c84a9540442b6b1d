// SPDX-License-Identifier: MIT
// A run of mutants that was broken off goes on, and a run of a few leaves the other rows of the page as they are.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from '../helpers/places.ts';
import { attacksPage, rowsOf, type Tried } from './page.ts';
import { Records } from './records.ts';
import type { Mutant } from './server-mutants.ts';

const mutant = (name: string): Mutant => ({ name, from: /x/, to: '', seenBy: ['attacks/names'] });
const [A, B, C] = [mutant('one | with a bar'), mutant('two'), mutant('three')] as const;
const noticed = (m: Mutant, said: string): Tried => ({
  mutant: m,
  verdict: 'noticed',
  good: true,
  removed: 'a || b',
  test: 'attacks/names',
  said,
});
const missed = (m: Mutant): Tried => ({ ...noticed(m, ''), verdict: 'NOT NOTICED', good: false, test: '' });

test('what was good is good again only as long as nothing that it hangs on has changed', (t) => {
  const records = new Records(join(scratch(t, 'records'), 'attacks'));
  assert.equal(records.good(A, 'd'), undefined);
  records.put(noticed(A, 'said | this'), 'd');
  records.put(missed(B), 'd');
  assert.deepEqual(records.good(A, 'd'), { ...noticed(A, 'said | this'), digest: 'd' });
  assert.equal(records.good(A, 'e'), undefined, 'another build');
  assert.equal(records.good(B, 'd'), undefined, 'one that was not noticed');
  assert.equal(records.good(C, 'd'), undefined);
});

test('a row that was not made now is the one that stood there, in the order of the list', () => {
  const first = attacksPage([A, B], [noticed(A, 'said | this'), missed(B)], new Map());
  const second = attacksPage([C, B, A], [noticed(B, 'now'), noticed(C, 'new')], rowsOf(first));
  const rows = second.split('\n').slice(-5);
  assert.match(second, /\n3 of 3 were noticed/);
  assert.deepEqual(rows, [
    '|---|---|---|---|',
    '| three | `a \\|\\| b` | attacks/names | new |',
    '| two | `a \\|\\| b` | attacks/names | now |',
    '| one \\| with a bar | `a \\|\\| b` | attacks/names | said \\| this |',
    '',
  ]);
  assert.match(attacksPage([A, B], [], rowsOf(first)), /\n1 of 2 were noticed/);
  assert.doesNotMatch(attacksPage([B], [], rowsOf(first)), /with a bar/, 'one that is no more');
});
