// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Book, type Decision } from './book.ts';
import { withRule } from './change.ts';
import { fingerprint, type Sha256 } from './fingerprint.ts';
import { parseFolder } from './folder.ts';
import { migrate } from './legacy.ts';
import { formatPolicy, linesOf, parsePolicy } from './lines.ts';
import { parseName } from './name.ts';
import { formatRule, type Request, type Rule } from './rule.ts';
import { showFolder } from './show.ts';
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
  const unusual = 'It has unusual characters; they are shown as \\u{…}.';
  for (const [path, text] of [
    ['/pu\u{1d68b}', '/pu\\u{1d68b}'],
    ['/\uff50ub', '/\\u{ff50}ub'],
    ['/\ufb01le', '/\\u{fb01}le'],
    ['/x\u00b2', '/x\\u{b2}'],
  ] as const)
    assert.deepEqual(showFolder(path), { text, notes: [unusual] }, 'a form of another letter');
  for (const path of ['/Grüße', '/naïve', '/日本語', '/한글'])
    assert.deepEqual(showFolder(path), { text: path, notes: [] });
  assert.deepEqual(showFolder('/srv/\u05d1/\u05d0/x').notes, [
    'It has letters that are written from right to left.',
  ]);
  const long = showFolder(`/begin/${'x/'.repeat(2040)}end`);
  assert.match(long.text, /^\/begin\/.* \[…\] .*\/end$/);
  assert.ok(long.text.length < 300);
  assert.match(long.notes.join(), /\d+ characters in its middle/);
  assert.match(showFolder('/a/ b').notes.join(), /blank/);
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
});
