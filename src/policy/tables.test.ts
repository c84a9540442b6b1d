// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { parseAnswer, questionOf, ruleOf } from './asking.ts';
import { decodeBase64, encodeBase64, encodeText } from './base64.ts';
import { Book, type Decision } from './book.ts';
import { withRule } from './change.ts';
import { fingerprint, type Sha256 } from './fingerprint.ts';
import { parseFolder } from './folder.ts';
import { migrate } from './legacy.ts';
import { formatPolicy, linesOf, parsePolicy } from './lines.ts';
import { parseName } from './name.ts';
import { formatRule, type Request, type Rule } from './rule.ts';
import { showFolder } from './show.ts';
import { formatAsk, parseAsk, parseFolderLine } from './wire.ts';
import { explain } from './words.ts';

const sha256: Sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
let serial = 0;

function rule(effect: Rule['effect'], folder: string, more: Partial<Rule> = {}): Rule {
  return {
    id: (serial++).toString(16).padStart(8, '0'),
    effect,
    source: 'one',
    target: 'two',
    folder,
    access: 'rw',
    lasts: 'always',
    origin: 'asked',
    made: 0,
    ...more,
  };
}

const ask = (folder: string, access: Request['access'] = 'rw', source = 'one', target = 'two'): Request => ({
  source,
  target,
  folder,
  access,
});

test('the fingerprint is the original’s; one for reading alone is another', () => {
  const of = { source: 'one', target: 'three', folder: '/var/lib' };
  assert.equal(fingerprint(sha256, of, 'rw'), 'a9b00af7d077959658b57b755fc32c1d');
  assert.notEqual(fingerprint(sha256, of, 'ro'), fingerprint(sha256, of, 'rw'));
  assert.match(fingerprint(sha256, of, 'ro'), /^[0-9a-f]{32}$/);
});

/** rules, request → kind, and the folder of the rule that decided. */
const DECISIONS: readonly [
  what: string,
  rules: readonly Rule[],
  request: Request,
  kind: Decision['kind'],
  by?: string,
][] = [
  ['nothing is said', [], ask('/home'), 'undecided'],
  // The original's own cases.
  [
    'original: a subfolder of an allowed folder',
    [rule('allow', '/home/user'), rule('deny', '/home')],
    ask('/home/user/subfolder'),
    'allow',
    '/home/user',
  ],
  [
    'original: a name is no prefix',
    [rule('allow', '/home/user'), rule('deny', '/home')],
    ask('/hom'),
    'undecided',
  ],
  [
    'original: the very folder',
    [rule('allow', '/home/user'), rule('deny', '/home')],
    ask('/home'),
    'deny',
    '/home',
  ],
  // Where the original differs: there an allowance for /var beats the denial of /var/lib.
  [
    'a narrower denial beats a wider allowance',
    [rule('allow', '/var'), rule('deny', '/var/lib')],
    ask('/var/lib'),
    'deny',
    '/var/lib',
  ],
  [
    'below it too',
    [rule('allow', '/var'), rule('deny', '/var/lib')],
    ask('/var/lib/x/y'),
    'deny',
    '/var/lib',
  ],
  [
    'beside it the allowance holds',
    [rule('allow', '/var'), rule('deny', '/var/lib')],
    ask('/var/library'),
    'allow',
    '/var',
  ],
  [
    'the deepest of three',
    [rule('allow', '/a'), rule('deny', '/a/b'), rule('allow', '/a/b/c')],
    ask('/a/b/c/d'),
    'allow',
    '/a/b/c',
  ],
  ['a denial wins a tie', [rule('allow', '/a'), rule('deny', '/a')], ask('/a'), 'deny', '/a'],
  ['a block comes first', [rule('block', '/'), rule('allow', '/home')], ask('/home'), 'block', '/'],
  [
    'a block that has run out does not',
    [rule('block', '/', { lasts: 'until', until: 5 }), rule('allow', '/home')],
    ask('/home'),
    'allow',
    '/home',
  ],
  [
    'a block is of one pair',
    [rule('block', '/', { target: 'three' }), rule('allow', '/home')],
    ask('/home'),
    'allow',
    '/home',
  ],
  ['another source', [rule('allow', '/home')], ask('/home', 'rw', 'three'), 'undecided'],
  ['another target', [rule('allow', '/home')], ask('/home', 'rw', 'one', 'three'), 'undecided'],
  ['the other way round', [rule('allow', '/home')], ask('/home', 'rw', 'two', 'one'), 'undecided'],
  [
    'read only is enough to read',
    [rule('allow', '/home', { access: 'ro' })],
    ask('/home/x', 'ro'),
    'allow',
    '/home',
  ],
  ['and not to write', [rule('allow', '/home', { access: 'ro' })], ask('/home/x'), 'undecided', '/home'],
  [
    'a narrower read-only one holds writing back',
    [rule('allow', '/home'), rule('allow', '/home/x', { access: 'ro' })],
    ask('/home/x/y'),
    'undecided',
    '/home/x',
  ],
  [
    'an allowance that has run out',
    [rule('allow', '/home', { lasts: 'until', until: 10 })],
    ask('/home'),
    'undecided',
  ],
  [
    'one that has time left',
    [rule('allow', '/home', { lasts: 'once', until: 11 })],
    ask('/home'),
    'allow',
    '/home',
  ],
  [
    'a denial that has run out hides nothing',
    [rule('deny', '/home/x', { lasts: 'until', until: 9 }), rule('allow', '/home')],
    ask('/home/x'),
    'allow',
    '/home',
  ],
  ['the root', [rule('allow', '/')], ask('/etc'), 'allow', '/'],
];

test('which rule decides', async (t) => {
  for (const [what, rules, request, kind, by] of DECISIONS)
    await t.test(what, () => {
      for (const order of [rules, rules.toReversed()]) {
        const decision = new Book(order).decide(request, 10);
        assert.equal(decision.kind, kind);
        assert.equal(decision.rule?.folder, by);
        if (decision.kind === 'allow') assert.equal(decision.access, request.access);
        const words = explain(request, decision);
        if (decision.rule !== undefined) assert.ok(words.includes(decision.rule.id), words);
      }
    });
});

test('a lasting allowance is used before one that would be used up; a denial told again replaces it', () => {
  const once = rule('allow', '/a', { lasts: 'once', until: 99 });
  const always = rule('allow', '/a');
  assert.equal(new Book([once, always]).decide(ask('/a'), 0).rule?.id, always.id);
  assert.deepEqual(
    withRule([always], rule('deny', '/a', { id: 'ffffffff' })).map((r) => r.effect),
    ['deny'],
  );
  assert.equal(withRule([always], once).length, 2, 'once stands beside always');
});

const NAMES: readonly [name: string, fits: boolean][] = [
  ['work', true],
  ['sys-net', true],
  ['a_b.c', true],
  ['disp1234', true],
  ['', false],
  ['1a', false],
  ['work\n', false],
  ['wo rk', false],
  ['wоrk', false],
  ['dom0', false],
  ['@adminvm', false],
  ['work-dm', false],
  ['default', false],
  ['a'.repeat(32), false],
];
test('names of qubes', () => {
  for (const [name, fits] of NAMES) assert.equal(parseName(name).ok, fits, JSON.stringify(name));
});

const FOLDERS: readonly [path: string, fits: boolean][] = [
  ['/', true],
  ['/home/user', true],
  ['/home/user/My files & more', true],
  ['/home/user/Документы', true],
  ['/home/user/Отчёт PDF', true],
  ['/home/user/写真', true],
  ['/home/user/..a', true],
  [`/${'a'.repeat(255)}`, true],
  ['', false],
  ['home', false],
  ['//home/user', false],
  ['/home//user', false],
  ['/home/', false],
  ['/home/.', false],
  ['/home/../etc', false],
  ['/home/a\nb', false],
  ['/home/a\0', false],
  ['/home/a\u0085', false],
  ['/home/\u202egnp.exe', false],
  ['/home/a\u200bb', false],
  ['/home/a\ufeff', false],
  ['/home/a\u2028b', false],
  ['/home/a\u00a0b', false],
  ['/home/a\u3164b', false],
  ['/home/a\u2044b', false],
  ['/home/a\uff0fb', false],
  ['/home/раypal', false],
  ['/home/\ud800', false],
  ['/home/\ue000', false],
  [`/${'a'.repeat(256)}`, false],
  [`/${'abcdefg/'.repeat(520)}a`, false],
];
test('folders', () => {
  for (const [path, fits] of FOLDERS) assert.equal(parseFolder(path).ok, fits, JSON.stringify(path));
});

test('what is shown: escapes, both ends of a long path, notes', () => {
  assert.equal(showFolder('/home/user').text, '/home/user');
  assert.deepEqual(showFolder('/home/user').notes, []);
  assert.equal(showFolder('/a\u202eb\n').text, '/a\\u{202e}b\\u{a}');
  assert.equal(showFolder('/e\u0301').text, '/e\\u{301}');
  assert.equal(showFolder('/a\\u{41}').text, '/a\\\\u{41}', 'a backslash in a name is no escape');
  assert.match(showFolder('/Документы').notes.join(), /Cyrillic/);
  const long = showFolder(`/begin/${'x/'.repeat(2040)}end`);
  assert.match(long.text, /^\/begin\/.* \[…\] .*\/end$/);
  assert.ok(long.text.length < 300);
  assert.match(long.notes.join(), /\d+ characters in its middle/);
  assert.match(showFolder('/a/ b').notes.join(), /blank/);
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

test('policy lines: written, read again; what is not ours is named', () => {
  const rules = [
    rule('allow', '/a', { access: 'ro' }),
    rule('allow', '/b'),
    rule('deny', '/c'),
    rule('block', '/'),
    rule('allow', '/d', { lasts: 'until', until: 5 }),
  ];
  const lines = linesOf(sha256, rules, 10);
  assert.equal(lines.length, 3, 'read only, read and write and its read only');
  for (const line of lines) assert.match(line, /^ruddo\.ConnectToFolder \+[0-9a-f]{32} one two allow$/);
  assert.deepEqual(parsePolicy(formatPolicy(lines)), { ok: true, value: lines });
  assert.ok(parsePolicy('').ok);
  const fp = '0'.repeat(32);
  for (const wrong of [
    'qubes.Filecopy * a b allow',
    `ruddo.ConnectToFolder +${fp} @anyvm b allow`,
    `ruddo.ConnectToFolder +${fp} a b ask`,
    `ruddo.ConnectToFolder * a b allow`,
    `ruddo.ConnectToFolder +${fp} a b allow user=root`,
  ]) {
    const parsed = parsePolicy(`# ok\n${wrong}\n`);
    assert.ok(!parsed.ok && parsed.why.startsWith('line 2 '), wrong);
  }
});

test('the original’s policy.db', () => {
  const entry = (folder: string, response: string, source = 'one', target = 'two'): object => ({
    folder,
    response,
    source,
    target,
  });
  const text = JSON.stringify({
    a: entry('/home/user', 'ALLOW_ALWAYS'),
    b: entry('/home', 'DENY_ALWAYS'),
    c: entry('/', 'DENY_ALWAYS'),
    d: entry('/x', 'ALLOW_ONETIME'),
    e: entry('/y', 'ALLOW_ALWAYS', 'disp12'),
    f: entry('//home/other', 'ALLOW_ALWAYS'),
  });
  const got = migrate(text, 5, () => '00000000');
  assert.ok(got.ok);
  assert.deepEqual(
    got.value.rules.map((r) => [r.effect, r.folder]),
    [
      ['allow', '/home/user'],
      ['deny', '/home'],
      ['block', '/'],
      ['allow', '/home/other'],
    ],
  );
  assert.deepEqual(got.value.notes, ['entry "e" is left behind: a disposable gets no lasting grant']);
  for (const wrong of [
    '',
    '[]',
    '{"a":{}}',
    JSON.stringify({ a: entry('/x', 'MAYBE') }),
    JSON.stringify({ a: entry('x', 'DENY_ALWAYS') }),
  ])
    assert.equal(migrate(wrong, 5, () => '0').ok, false, wrong);
});

test('rules as JSON are for people: names, times', () => {
  const json = formatRule(rule('allow', '/a', { lasts: 'once', until: 0, made: 0 }));
  assert.equal(json.until, '1970-01-01T00:00:00.000Z');
  assert.equal(encodeText('/a'), 'L2E=');
});
