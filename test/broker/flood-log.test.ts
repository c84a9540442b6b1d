// SPDX-License-Identifier: MIT
// What a machine can do to the log, and to what is told of others, by asking without end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditLine } from '../../src/broker/audit.ts';
import { authorize } from '../../src/broker/authorize.ts';
import { refused } from '../../src/broker/query.ts';
import { allowService } from '../../src/broker/service-call.ts';
import { beginSession } from '../../src/broker/session-service.ts';
import { withRule } from '../../src/policy/change.ts';
import type { Rule } from '../../src/policy/rule.ts';
import { formatAsk } from '../../src/policy/wire.ts';
import { scratch } from '../helpers/places.ts';
import { openDesk, rule, says, type TestDesk } from './ground.ts';

const asks = async (desk: TestDesk, source: string, folder: string, target = 'two'): Promise<number> =>
  (await authorize(desk, source, Buffer.from(formatAsk({ target, folder, access: 'rw' })))).exit;
const add = (desk: TestDesk, ...rules: Rule[]): Promise<void> =>
  desk.store.change((before) => ({ rules: rules.reduce(withRule, [...before]), result: undefined }));
/** What a line says, in short. */
const short = ({ event, folder, result, count }: AuditLine): string =>
  [event, folder, result, count].filter((word) => word !== undefined).join(' ');

test('what a rule refuses again and again: the first in full, then the powers of ten', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  await add(desk, rule('deny', '/a'), rule('deny', '/b'), rule('block', '/', { source: 'three' }));
  for (let i = 1; i <= 120; i++) assert.equal(await asks(desk, 'one', `/a/${i}`), 13);
  // Another rule has its own first ones.
  assert.equal(await asks(desk, 'one', '/b'), 13);
  for (let i = 1; i <= 12; i++) assert.equal(await asks(desk, 'three', `/${i}`), 13);
  assert.deepEqual(desk.audit.read().lines.map(short), [
    ...['/a/1', '/a/2', '/a/3'].flatMap((folder) => [`request ${folder}`, `decision ${folder} denied`]),
    'decision /a/10 denied 10',
    'decision /a/100 denied 100',
    'request /b',
    'decision /b denied',
    ...['/1', '/2', '/3'].flatMap((folder) => [`request ${folder}`, `decision ${folder} blocked`]),
    'decision /10 blocked 10',
  ]);
});

test('what a rule allows again and again, too; and the first allowance of each rule is told', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  await add(desk, rule('allow', '/a'), rule('allow', '/b'));
  for (let i = 1; i <= 40; i++) assert.equal(await asks(desk, 'one', `/a/${i}`), 0);
  assert.equal(await asks(desk, 'one', '/b'), 0);
  assert.deepEqual(desk.audit.read().lines.map(short), [
    ...['/a/1', '/a/2', '/a/3'].flatMap((folder) => [`request ${folder}`, `decision ${folder} allow`]),
    'decision /a/10 allow 10',
    'request /b',
    'decision /b allow',
  ]);
});

test('a service that a block refuses, too', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  await add(desk, rule('block', '/'));
  const request = { source: 'one', target: 'two', service: 'qubes.Filecopy' };
  for (let i = 1; i <= 40; i++) assert.equal(await allowService(desk, request, 'qubes.Filecopy'), false);
  const block = ['request', 'decision blocked'];
  assert.deepEqual(desk.audit.read().lines.map(short), [...block, ...block, ...block, 'decision blocked 10']);
});

test('connections that are refused count for who connects, and for no question', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  const claim = { print: '0'.repeat(32), target: 'two', source: 'three', folder: '/x', knowsReadOnly: true };
  for (let i = 0; i < 150; i++) refused(desk, claim, 'there is none');
  assert.equal(desk.audit.read().lines.length, 21);
  // The target says who it is: its word takes nobody's line away.
  const said = JSON.stringify({ version: 1, source: 'one', folder: '/x' });
  for (let i = 0; i < 50; i++) await beginSession(desk, 'two', claim.print, said);
  refused(desk, { ...claim, source: 'one' }, 'there is none');
  assert.equal(desk.audit.read().lines.at(-1)?.source, 'one');
  assert.equal(desk.audit.read().lines.at(-1)?.count, undefined, 'its first');
  for (const source of ['two', 'three']) {
    await asks(desk, source, '/mine', 'one');
    assert.equal(desk.questions.at(-1)?.source, source);
    assert.equal(desk.questions.at(-1)?.refusedMeanwhile, 0, source);
  }
});

test('a machine may be called as the files of the gate are', async (t) => {
  const desk = openDesk(scratch(t, 'desk'), { question: false, waiting: false });
  desk.answer = () => says({ answer: 'allow' });
  for (const source of ['question', 'waiting', 'one'])
    assert.equal(await asks(desk, source, '/x'), 0, source);
  assert.equal(desk.questions.length, 3);
});
