// SPDX-License-Identifier: MIT
// A session ends when the rules say so, as they are now and not as they were when it began.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Kept, keep } from '../../src/broker/keeper.ts';
import { admit } from '../../src/broker/query.ts';
import { withRule } from '../../src/policy/change.ts';
import { fingerprint } from '../../src/policy/fingerprint.ts';
import type { Rule } from '../../src/policy/rule.ts';
import { scratch } from '../helpers/places.ts';
import { openDesk, rule, sha256, type TestDesk } from './ground.ts';

const HOUR = 3_600_000;
const add = (desk: TestDesk, one: Rule): Promise<void> =>
  desk.store.change((before) => ({ rules: withRule(before, one), result: undefined }));

/** A session of /a/b that came of `first`. */
async function session(
  t: TestContext,
  first: (desk: TestDesk) => Rule,
): Promise<{ desk: TestDesk; kept: Kept }> {
  const desk = openDesk(scratch(t, 'keeper'));
  const of = first(desk);
  await add(desk, of);
  const print = fingerprint(sha256, of, 'rw');
  const admitted = await admit(desk, { print, target: 'two', folder: '/a/b', knowsReadOnly: true });
  assert.ok(admitted.ok);
  const kept = keep(desk, admitted.value);
  assert.equal(kept.check(), undefined);
  return { desk, kept };
}

const until = (desk: TestDesk, hours: number, folder = '/a'): Rule =>
  rule('allow', folder, { lasts: 'until', until: desk.now() + hours * HOUR });
const shownEnd = (desk: TestDesk): number | undefined => desk.sessions.list()[0]?.until;

test('a lasting grant that gets an end, and one whose end comes nearer', async (t) => {
  for (const first of [() => rule('allow', '/a'), (desk: TestDesk) => until(desk, 8)]) {
    const { desk, kept } = await session(t, first);
    const next = until(desk, 1);
    await add(desk, next);
    assert.equal(kept.check(), undefined);
    assert.equal(shownEnd(desk), next.until);
    desk.ahead += HOUR - 1000;
    assert.equal(kept.check(), undefined);
    desk.ahead += 2000;
    assert.match(kept.check() ?? '', /^it was granted until /);
  }
});

test('a grant that is made longer, or lasting, while it is in use', async (t) => {
  for (const hours of [8, undefined]) {
    const { desk, kept } = await session(t, (d) => until(d, 1));
    const next = hours === undefined ? rule('allow', '/a') : until(desk, hours);
    await add(desk, next);
    assert.equal(kept.check(), undefined);
    assert.equal(shownEnd(desk), next.until);
    desk.ahead += 2 * HOUR;
    assert.equal(kept.check(), undefined);
    desk.ahead += 8 * HOUR;
    assert.equal(kept.check() === undefined, hours === undefined);
  }
});

test('when a rule has run out, another that allows the same keeps the session; without one it ends', async (t) => {
  const { desk, kept } = await session(t, (d) => until(d, 1, '/a/b'));
  await add(desk, rule('allow', '/a'));
  assert.equal(kept.check(), undefined);
  desk.ahead += 2 * HOUR;
  assert.equal(kept.check(), undefined);
  assert.equal(shownEnd(desk), undefined);
  await desk.store.change(() => ({ rules: [], result: undefined }));
  assert.equal(kept.check(), 'its grant was revoked');
});

test('a one-time session has no end by the clock, whatever is granted beside it', async (t) => {
  const { desk, kept } = await session(t, (d) =>
    rule('allow', '/a', { lasts: 'once', until: d.now() + 5000 }),
  );
  await add(desk, until(desk, 1));
  assert.equal(kept.check(), undefined);
  desk.ahead += 2 * HOUR;
  assert.equal(kept.check(), undefined);
});
