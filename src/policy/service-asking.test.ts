// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, parseAnswer } from './answer.ts';
import { parseQuestion } from './asking.ts';
import { isAskedService, serviceAnswer, serviceQuestionOf } from './service-asking.ts';

const request = { source: 'one', target: 'two', service: 'qubes.Filecopy' };
const facts = { id: '0000000a', now: 1000 };
const how = { patience: 60, refusedMeanwhile: 2, waiting: 1, waitingFile: '/run/waiting' };

test('only what is asked about is a service', () => {
  for (const name of ['qubes.Filecopy', 'qubes.OpenInVM']) assert.ok(isAskedService(name), name);
  for (const name of ['', 'qubes.filecopy', 'qubes.VMShell', 'toString', '__proto__', 'constructor'])
    assert.equal(isAskedService(name), false, name);
});

test('the question is one that an asking program takes, and no question about a folder', () => {
  const question = serviceQuestionOf(
    { ...request, service: 'qubes.Filecopy+allow-all-names' },
    'qubes.Filecopy',
    how,
  );
  assert.deepEqual(parseQuestion(JSON.stringify(question)), { ok: true, value: question });
  assert.deepEqual([question.version, question.waiting, question.notes.length], [2, 1, 1]);
  const folder = { ...question, version: 1, folder: '/x', access: 'ro', shown: '/x', lasts: ['once'] };
  const parsed = parseQuestion(JSON.stringify(folder));
  assert.ok(parsed.ok && !('service' in parsed.value), 'a member that it does not have is left out');
});

test('yes is for this time, no keeps nothing, a block is a rule; more is refused', () => {
  const of = (text: string): Answer => {
    const parsed = parseAnswer(text);
    assert.ok(parsed.ok, text);
    return parsed.value;
  };
  const answered = (text: string): unknown => {
    const made = serviceAnswer(request, of(text), facts);
    return made.ok ? made.value : made.why;
  };
  assert.equal(answered('{"version":1,"answer":"allow"}'), 'allow');
  assert.equal(answered('{"version":1,"answer":"allow","lasts":"once"}'), 'allow');
  assert.equal(answered('{"version":1,"answer":"deny"}'), 'deny');
  const block = {
    effect: 'block',
    source: 'one',
    target: 'two',
    folder: '/',
    access: 'rw',
    origin: 'asked',
    made: 1000,
  };
  assert.deepEqual(answered('{"version":1,"answer":"block"}'), { id: facts.id, ...block, lasts: 'always' });
  assert.deepEqual(answered('{"version":1,"answer":"block","lasts":"until","seconds":5}'), {
    id: facts.id,
    ...block,
    lasts: 'until',
    until: 6000,
  });
  for (const text of [
    '{"version":1,"answer":"allow","lasts":"always"}',
    '{"version":1,"answer":"allow","lasts":"until","seconds":5}',
    '{"version":1,"answer":"allow","access":"rw"}',
    '{"version":1,"answer":"deny","lasts":"always"}',
    '{"version":1,"answer":"block","lasts":"once"}',
  ])
    assert.equal(serviceAnswer(request, of(text), facts).ok, false, text);
});
