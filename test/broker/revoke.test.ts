// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enter } from '../../src/broker/enter.ts';
import { openBooks, sha256 } from '../../src/cli/policy/desk.ts';
import { addRule, revokeRules } from '../../src/cli/policy/rules.ts';
import { fingerprint } from '../../src/policy/fingerprint.ts';
import { scratch } from '../helpers/places.ts';
import { openDesk } from './ground.ts';

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

test('a revoke at the moment at which a grant for once is used up ends the mount', async (t) => {
  const desk = openDesk(scratch(t, 'revoke'));
  const place = { source: 'one', target: 'two', folder: '/x' };
  await addRule(desk, { effect: 'allow', ...place, access: 'rw', once: true });
  const change = desk.store.change.bind(desk.store);
  let revoked: unknown;
  // As soon as the rules are free.
  desk.store.change = async (work) => {
    const result = await change(work);
    desk.store.change = change;
    revoked = await revokeRules(desk, { source: 'one' });
    return result;
  };
  const claim = { print: fingerprint(sha256, place, 'rw'), ...place, knowsReadOnly: true };
  const entered = await enter(desk, claim);
  assert.ok(entered.ok);
  assert.deepEqual(revoked, { rules: [], sessions: 1 });
  assert.equal(entered.value.kept.check(), 'its grant was revoked');
});

test('a use that cannot be written down leaves no session', async (t) => {
  const desk = openDesk(scratch(t, 'revoke'));
  const place = { source: 'one', target: 'two', folder: '/x' };
  await addRule(desk, { effect: 'allow', ...place, access: 'rw', once: true });
  const change = desk.store.change.bind(desk.store);
  desk.store.change = async (work) => {
    await change((rules, now) => ({ rules, result: work(rules, now).result }));
    throw new Error('the disk is full');
  };
  const claim = { print: fingerprint(sha256, place, 'rw'), ...place, knowsReadOnly: true };
  await assert.rejects(enter(desk, claim), /full/);
  assert.deepEqual(desk.sessions.list(), []);
  assert.equal(desk.audit.read().lines.at(-1)?.event, 'end');
});
