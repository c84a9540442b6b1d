// SPDX-License-Identifier: MIT
// What comes from outside: requests of other machines, answers of asking programs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAnswer } from './answer.ts';
import { questionOf, ruleOf } from './asking.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import type { Request, Rule } from './rule.ts';
import { formatAsk, parseAsk, parseFolderLine } from './wire.ts';

const ask = (folder: string, access: Request['access'] = 'rw'): Request => ({
  source: 'one',
  target: 'two',
  folder,
  access,
});

test('base64, strictly', () => {
  for (let n = 0; n < 50; n++) {
    const bytes = new Uint8Array(n).map((_, i) => (i * 37 + n) & 255);
    const text = Buffer.from(bytes).toString('base64');
    assert.equal(encodeBase64(bytes), text);
    const back = decodeBase64(text);
    assert.ok(back.ok);
    assert.deepEqual(back.value, bytes);
  }
  for (const wrong of ['a', 'ab', 'ab=', 'a===', 'ab==\n', 'a b=', 'ab=c', 'YR==', '____'])
    assert.equal(decodeBase64(wrong).ok, false, wrong);
});

const b64 = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('base64');
const ASKS: readonly [what: string, text: string | Uint8Array, fits: boolean][] = [
  ['as the original sends it', `${b64('work')}\n${b64('/home/user')}\n`, true],
  ['without the last newline', `${b64('work')}\n${b64('/home/user')}`, true],
  ['ours', formatAsk({ target: 'work', folder: '/home/user', access: 'ro' }), true],
  ['nothing', '', false],
  ['one line', `${b64('work')}\n`, false],
  ['an empty name', `\n${b64('/home')}\n`, false],
  ['an empty path', `${b64('work')}\n\n`, false],
  ['four lines', `${b64('work')}\n${b64('/home')}\nninefold-1 ro\nmore\n`, false],
  ['a third line of another kind', `${b64('work')}\n${b64('/home')}\nrw\n`, false],
  ['no base64', `work\n/home\n`, false],
  ['lenient base64', `${b64('work')}\n${b64('/home/user')}!\n`, false],
  ['carriage returns', `${b64('work')}\r\n${b64('/home')}\r\n`, false],
  ['no UTF-8', `${b64('work')}\n${b64(new Uint8Array([0x2f, 0xff]))}\n`, false],
  ['a newline in the name', `${b64('work\n')}\n${b64('/home')}\n`, false],
  ['a newline in the path', `${b64('work')}\n${b64('/home\n')}\n`, false],
  ['a byte order mark', `${b64('work')}\n${b64('\ufeff/home')}\n`, false],
  ['relative', `${b64('work')}\n${b64('home')}\n`, false],
  ['too long', `${b64('work')}\n${'A'.repeat(5400)}\n`, false],
  ['bytes above ASCII', new Uint8Array([0xc3, 0xa9, 0x0a, 0xc3, 0x0a]), false],
];
test('requests as they come', () => {
  for (const [what, text, fits] of ASKS) assert.equal(parseAsk(Buffer.from(text)).ok, fits, what);
  const ours = parseAsk(Buffer.from(formatAsk({ target: 'work', folder: '/a b', access: 'ro' })));
  assert.deepEqual(ours, {
    ok: true,
    value: { target: 'work', folder: '/a b', access: 'ro', extended: true },
  });
  const theirs = parseAsk(Buffer.from(`${b64('work')}\n${b64('/a')}`));
  assert.deepEqual(theirs, {
    ok: true,
    value: { target: 'work', folder: '/a', access: 'rw', extended: false },
  });
  assert.deepEqual(parseFolderLine(Buffer.from(b64('/a'))), { ok: true, value: '/a' });
  assert.equal(parseFolderLine(Buffer.from(`${b64('/a')}\n\n`)).ok, false);
  assert.equal(parseFolderLine(Buffer.from('A'.repeat(6001))).ok, false);
});

const ANSWERS: readonly [answer: object, rule: Partial<Rule> | 'nothing' | 'refused', asked?: 'ro'][] = [
  [{ answer: 'deny' }, 'nothing'],
  [
    { answer: 'deny', lasts: 'always' },
    { effect: 'deny', lasts: 'always' },
  ],
  [{ answer: 'allow' }, { effect: 'allow', lasts: 'once', until: 120_007, access: 'rw' }],
  [{ answer: 'allow', access: 'ro' }, { access: 'ro' }],
  [
    { answer: 'allow', lasts: 'until', seconds: 60 },
    { lasts: 'until', until: 60_007 },
  ],
  [{ answer: 'allow', lasts: 'always' }, { lasts: 'always' }],
  [{ answer: 'block' }, { effect: 'block', folder: '/', lasts: 'always' }],
  [{ answer: 'allow', access: 'rw' }, 'refused', 'ro'],
];
test('answers make rules that go no further than the request', () => {
  for (const [json, expected, access = 'rw'] of ANSWERS) {
    const answer = parseAnswer(JSON.stringify({ version: 1, ...json }));
    assert.ok(answer.ok, JSON.stringify(json));
    const facts = { id: '00000001', now: 7, disposable: false, origin: 'asked' as const };
    const made = ruleOf(ask('/x', access), answer.value, facts);
    if (expected === 'refused') assert.equal(made.ok, false);
    else if (expected === 'nothing') assert.deepEqual(made, { ok: true, value: undefined });
    else {
      assert.ok(made.ok);
      for (const [key, value] of Object.entries(expected))
        assert.equal(made.value?.[key as keyof Rule], value);
    }
  }
  for (const wrong of [
    '',
    'allow',
    '{}',
    '{"version":1}',
    '{"version":2,"answer":"allow"}',
    '{"version":1,"answer":"yes"}',
    '{"version":1,"answer":"allow","lasts":"until"}',
    '{"version":1,"answer":"allow","seconds":5}',
    '{"version":1,"answer":"deny","access":"ro"}',
    '{"version":1,"answer":"allow","folder":"/"}',
  ])
    assert.equal(parseAnswer(wrong).ok, false, wrong);
});

test('a disposable gets no lasting allowance, by whatever answer; a lasting denial it may get', () => {
  const facts = { id: '00000001', now: 7, disposable: true, origin: 'asked' as const };
  for (const lasts of ['always', 'until'] as const) {
    const answer = { version: 1 as const, answer: 'allow' as const, lasts, seconds: 9 };
    assert.equal(ruleOf(ask('/x'), answer, facts).ok, false);
  }
  assert.equal(ruleOf(ask('/x'), { version: 1, answer: 'deny', lasts: 'always' }, facts).ok, true);
  const question = questionOf(ask('/x'), { disposable: true, patience: 60, refusedMeanwhile: 0 });
  assert.deepEqual(question.lasts, ['once']);
});
