// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBooks } from '../../src/cli/policy/desk.ts';
import { revokeRules } from '../../src/cli/policy/rules.ts';
import { scratch } from '../helpers/places.ts';

test('a session that begins while a revoke is under way is ended by it, though its grant for once is gone already', async (t) => {
  const dir = scratch(t, 'revoke');
  const books = openBooks(() => {}, { dir, qubes: false });
  const session = {
    source: 'one',
    target: 'two',
    folder: '/x',
    access: 'rw',
    rule: '01234567',
    once: true,
  } as const;
  const change = books.store.change.bind(books.store);
  // Another process has the lock until then, and uses the grant up.
  books.store.change = (work) => {
    books.sessions.add({ id: 'aaaaaaaa', ...session, since: 0 });
    books.sessions.add({ id: 'bbbbbbbb', ...session, source: 'three', since: 0 });
    return change(work);
  };
  assert.deepEqual(await revokeRules(books, { source: 'one' }), { rules: [], sessions: 1 });
  assert.equal(books.sessions.order('aaaaaaaa'), 'its grant was revoked');
  assert.equal(books.sessions.order('bbbbbbbb'), undefined);
});
