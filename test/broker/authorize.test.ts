// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { authorize } from '../../src/broker/authorize.ts';
import { keep } from '../../src/broker/keeper.ts';
import { admit, query } from '../../src/broker/query.ts';
import { encodeText } from '../../src/policy/base64.ts';
import { withoutRules, withRule } from '../../src/policy/change.ts';
import { fingerprint } from '../../src/policy/fingerprint.ts';
import type { Rule } from '../../src/policy/rule.ts';
import { formatAsk } from '../../src/policy/wire.ts';
import { scratch } from '../helpers/places.ts';
import { openDesk, rule, says, sha256, type TestDesk } from './ground.ts';

const old = (target: string, folder: string): Buffer =>
  Buffer.from(`${encodeText(target)}\n${encodeText(folder)}\n`);
const ours = (folder: string, access: 'ro' | 'rw' = 'rw', target = 'two'): Buffer =>
  Buffer.from(formatAsk({ target, folder, access }));
const print = (folder: string, access: 'ro' | 'rw' = 'rw'): string =>
  fingerprint(sha256, { source: 'one', target: 'two', folder }, access);
const add = (desk: TestDesk, ...rules: Rule[]): Promise<void> =>
  desk.store.change((before) => ({ rules: rules.reduce(withRule, [...before]), result: undefined }));
const line = (folder: string): Buffer => Buffer.from(encodeText(folder));

test('as the original: a fingerprint without a newline, 13 and words for a refusal, and the question once only', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  desk.answer = () => says({ answer: 'allow', lasts: 'always' });
  const first = await authorize(desk, 'one', old('two', '/home/user'));
  assert.deepEqual(first, { exit: 0, stdout: print('/home/user'), stderr: '' });
  const below = await authorize(desk, 'one', old('two', '/home/user/docs'));
  assert.equal(below.stdout, print('/home/user'), 'the grant’s own folder');
  assert.equal(desk.questions.length, 1);
  assert.match(
    readFileSync(desk.store.policyFile ?? '', 'utf8'),
    new RegExp(`\\+${print('/home/user')} one two allow`),
  );
  desk.answer = () => says({ answer: 'deny', lasts: 'always' });
  const no = await authorize(desk, 'three', old('two', '/home/user'));
  assert.deepEqual(no, { exit: 13, stdout: '', stderr: 'Request refused\n' });
  const again = await authorize(desk, 'three', old('two', '/home/user/x'));
  assert.equal(again.exit, 13);
  assert.equal(desk.questions.length, 2);
});

test('to our clients: the access, how long, and why not', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  desk.answer = () => says({ answer: 'allow', access: 'ro', lasts: 'always' });
  const got = await authorize(desk, 'one', ours('/a'));
  assert.equal(got.stdout, `${print('/a', 'ro')}\n{"access":"ro","lasts":"always"}\n`);
  // A client of the original cannot ask for less, so it is content.
  assert.equal((await authorize(desk, 'one', old('two', '/a'))).stdout, print('/a', 'ro'));
  assert.equal(desk.questions.length, 1);
  desk.answer = () => says({ answer: 'block' });
  assert.equal((await authorize(desk, 'one', ours('/b'))).stdout, '{"refused":"blocked"}\n');
  assert.equal(
    (await authorize(desk, 'one', ours('/a', 'ro'))).stdout,
    '{"refused":"blocked"}\n',
    'a block hides the grant',
  );
  assert.equal(desk.questions.length, 2);
});

const BAD: readonly [what: string, source: string, bytes: Buffer][] = [
  ['nothing', 'one', Buffer.alloc(0)],
  ['one line', 'one', Buffer.from(`${encodeText('two')}\n`)],
  ['four lines', 'one', Buffer.from(`${encodeText('two')}\n${encodeText('/a')}\nninefold-1 ro\nx\n`)],
  ['no base64', 'one', Buffer.from('two\n/a\n')],
  ['no UTF-8', 'one', Buffer.from(`${encodeText('two')}\n${Buffer.from([0x2f, 0xff]).toString('base64')}\n`)],
  ['too long', 'one', Buffer.alloc(6000, 'A')],
  ['relative', 'one', old('two', 'home')],
  ['not canonical', 'one', old('two', '//home/user')],
  ['dot dot', 'one', old('two', '/home/../etc')],
  ['a newline', 'one', old('two', '/home\nx')],
  ['NUL', 'one', old('two', '/home\0')],
  ['a look-alike', 'one', old('two', '/home/раypal')],
  ['bidirectional', 'one', old('two', '/home/\u202ex')],
  ['a newline in the name', 'one', old('two\n', '/home')],
  ['dom0', 'one', old('dom0', '/home')],
  ['itself', 'one', old('one', '/home')],
  ['a source that is none', 'o ne', old('two', '/home')],
];
test('every malformed request: 22, one line in the log, no question, no rule', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  for (const [what, source, bytes] of BAD) {
    const before = desk.audit.read().lines.length;
    const reply = await authorize(desk, source, bytes);
    assert.equal(reply.exit, 22, what);
    assert.match(reply.stderr, /^error: .*\n$/);
    assert.equal(reply.stdout, '');
    const after = desk.audit.read().lines.length;
    assert.equal(after - before, source === 'one' ? 1 : 0, what);
  }
  assert.equal(desk.questions.length, 0);
  assert.equal(desk.store.load().rules.length, 0);
  // A flood of them does not fill the disk.
  for (let i = 0; i < 500; i++) await authorize(desk, 'two', Buffer.from('x'));
  assert.ok(desk.audit.read().lines.filter((l) => l.source === 'two').length <= 22);
});

test('a machine that there is not gets the words of any refusal, and no question', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  const reply = await authorize(desk, 'one', old('nobody', '/home'));
  assert.deepEqual(reply, { exit: 13, stdout: '', stderr: 'Request refused\n' });
  assert.equal(desk.questions.length, 0);
  assert.equal(desk.audit.read().lines.at(-1)?.result, 'unknown');
});

test('a disposable, by name or by class, gets nothing that lasts, whatever the asking program says', async (t) => {
  const desk = openDesk(scratch(t, 'desk'), { disp12: false, custom: true });
  desk.answer = () => says({ answer: 'allow', lasts: 'always' });
  for (const source of ['disp12', 'custom']) {
    assert.equal((await authorize(desk, source, old('two', '/a'))).exit, 13);
    assert.deepEqual(desk.questions.at(-1)?.lasts, ['once']);
  }
  assert.equal(desk.store.load().rules.length, 0);
  desk.ahead += 3_600_000;
  desk.answer = () => says({ answer: 'allow' });
  assert.equal((await authorize(desk, 'custom', old('two', '/a'))).exit, 0);
});

test('whatever the asking program does wrong is a refusal, told in the log', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  desk.answer = () => ({ kind: 'failed', why: 'it ended with status 1' });
  assert.equal((await authorize(desk, 'one', ours('/a'))).stdout, '{"refused":"failed"}\n');
  desk.ahead += 3_600_000;
  desk.answer = () => ({ kind: 'timeout' });
  assert.equal((await authorize(desk, 'one', ours('/a'))).stdout, '{"refused":"timeout"}\n');
  const results = desk.audit.read().lines.map((l) => l.result);
  assert.deepEqual(
    results.filter((r) => r !== undefined),
    ['failed', 'timeout'],
  );
});

test('1,000 requests at once from one qube: one question, a counted note, and another qube is asked for all the same', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  let open = 0;
  let most = 0;
  let answered: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    answered = resolve;
  });
  desk.answer = async (q) => {
    most = Math.max(most, ++open);
    if (q.source === 'one') await held;
    open--;
    return says({ answer: 'deny' });
  };
  const flood = Array.from({ length: 1000 }, (_, i) => authorize(desk, 'one', old('two', `/f${i}`)));
  const other = authorize(desk, 'three', old('two', '/mine'));
  await Promise.race(flood);
  answered();
  const replies = await Promise.all(flood);
  assert.ok(replies.every((r) => r.exit === 13));
  assert.equal((await other).exit, 13);
  assert.equal(desk.questions.filter((q) => q.source === 'one').length, 1);
  assert.equal(desk.questions.filter((q) => q.source === 'three').length, 1);
  assert.equal(most, 1, 'one window at a time');
  const lines = desk.audit.read().lines.filter((l) => l.source === 'one');
  assert.ok(lines.length <= 10, `${lines.length} lines`);
  // It was refused: it is quiet for a while, then the next question tells how many there were.
  assert.equal((await authorize(desk, 'one', old('two', '/later'))).exit, 13);
  assert.equal(desk.questions.length, 2);
  desk.ahead += 30_000;
  await authorize(desk, 'one', old('two', '/later'));
  assert.equal(desk.questions.at(-1)?.refusedMeanwhile, 1000);
  assert.ok(desk.audit.read().lines.some((l) => l.event === 'flood' && l.count === 1000));
});

test('refusals make the quiet longer, an allowance ends it', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  const asked = async (): Promise<boolean> => {
    const before = desk.questions.length;
    await authorize(desk, 'one', old('two', `/q${Math.random()}`));
    return desk.questions.length > before;
  };
  assert.ok(await asked());
  desk.ahead += 11_000;
  assert.ok(await asked());
  desk.ahead += 11_000;
  assert.ok(!(await asked()), 'twenty seconds by now');
  desk.ahead += 11_000;
  desk.answer = () => says({ answer: 'allow' });
  assert.ok(await asked());
  assert.ok(await asked(), 'at once');
});

test('what is kept about machines that have not asked for a week goes; a question that is open stays', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  const dir = join(desk.store.dir, 'asking');
  await authorize(desk, 'one', old('two', '/a'));
  await authorize(desk, 'one', old('two', '/b'));
  assert.deepEqual(readdirSync(dir).sort(), [
    '.question.lock',
    'one.lock',
    'one.state',
    'one.turned-away',
    'waiting',
  ]);
  desk.gate.sweep();
  assert.equal(readdirSync(dir).length, 5);
  desk.ahead += 8 * 86_400_000;
  desk.answer = () => {
    desk.gate.sweep();
    return says({ answer: 'allow' });
  };
  await authorize(desk, 'one', old('two', '/c'));
  assert.deepEqual(readdirSync(dir).sort(), ['.question.lock', 'one.lock', 'one.state', 'waiting'], 'held');
  desk.gate.sweep();
  assert.ok(!readdirSync(dir).includes('one.lock'));
});

test('a log that cannot be written: nothing is granted', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  await add(desk, rule('allow', '/a'));
  mkdirSync(desk.audit.path);
  assert.deepEqual(await authorize(desk, 'one', old('two', '/a')), {
    exit: 13,
    stdout: '',
    stderr: 'Request refused\n',
  });
  assert.equal((await query(desk, 'two', print('/a'), line('/a'))).exit, 13);
});

test('a decision made while the question was open is not stepped over', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  desk.answer = async () => {
    await add(desk, rule('block', '/'));
    return says({ answer: 'allow', lasts: 'always' });
  };
  assert.equal((await authorize(desk, 'one', ours('/a'))).stdout, '{"refused":"blocked"}\n');
  assert.deepEqual(
    desk.store.load().rules.map((r) => r.effect),
    ['block'],
  );
});

test('a damaged store: refused without a question, told in the log, not to the other side', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  await add(desk, rule('allow', '/a'));
  writeFileSync(desk.store.path, 'x');
  assert.deepEqual(await authorize(desk, 'one', old('two', '/a')), {
    exit: 13,
    stdout: '',
    stderr: 'Request refused\n',
  });
  assert.equal((await query(desk, 'two', print('/a'), line('/a'))).exit, 13);
  assert.equal(desk.questions.length, 0);
  assert.match(desk.audit.read().lines.at(-1)?.why ?? '', /damaged.*ninefold policy restore/);
});

test('query: bound to the target, to the folder, to a grant that stands', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  await add(
    desk,
    rule('allow', '/a'),
    rule('deny', '/a/secret'),
    rule('allow', '/r', { access: 'ro' }),
    rule('deny', '/d'),
    rule('allow', '/t', { lasts: 'until', until: desk.now() + 1000 }),
  );
  const ask = async (caller: string, p: string, folder: string): Promise<number> =>
    (await query(desk, caller, p, line(folder))).exit;
  assert.deepEqual(await query(desk, 'two', print('/a'), line('/a/b')), {
    exit: 0,
    stdout: '/a/b\n',
    stderr: '',
  });
  assert.equal(await ask('two', print('/a', 'ro'), '/a/b'), 0, 'to read alone, under a grant for both');
  assert.equal(await ask('two', print('/a'), '/a'), 13, 'it would serve the denied folder in it');
  assert.equal(await ask('three', print('/a'), '/a'), 13, 'another machine');
  assert.equal(await ask('one', print('/a'), '/a'), 13, 'the source');
  assert.equal(await ask('two', print('/a'), '/ab'), 13);
  assert.equal(await ask('two', print('/a'), '/'), 13);
  assert.equal(await ask('two', print('/a'), '/a/secret/x'), 13, 'a narrower denial');
  assert.equal(await ask('two', print('/d'), '/d'), 13, 'the fingerprint of a denial');
  assert.equal(
    await ask('two', print('/r', 'ro'), '/r'),
    13,
    'a server that asks so would let it be written to',
  );
  assert.equal(await ask('two', print('/r'), '/r'), 13);
  assert.equal(await ask('two', print('/t'), '/t'), 0);
  desk.ahead += 1001;
  assert.equal(await ask('two', print('/t'), '/t'), 13, 'run out');
  assert.equal(await ask('two', 'x'.repeat(32), '/a'), 22);
  assert.equal(await ask('two', print('/a'), 'a'), 22);
  assert.equal((await query(desk, 'two', undefined, line('/a'))).exit, 22);
});

test('once is once: not used up by others, by failures or by another folder; gone after use, and after two minutes', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  desk.answer = () => says({ answer: 'allow' });
  assert.equal((await authorize(desk, 'one', old('two', '/a'))).exit, 0);
  for (const [caller, folder] of [
    ['three', '/a'],
    ['two', '/b'],
    ['two', 'x'],
  ] as const)
    assert.notEqual((await query(desk, caller, print('/a'), line(folder))).exit, 0);
  assert.equal((await query(desk, 'two', print('/a'), line('/a'))).exit, 0);
  assert.equal((await query(desk, 'two', print('/a'), line('/a'))).exit, 13);
  assert.doesNotMatch(readFileSync(desk.store.policyFile ?? '', 'utf8'), /^ruddo/m);

  assert.equal((await authorize(desk, 'one', old('two', '/a'))).exit, 0);
  desk.ahead += 120_001;
  assert.equal((await query(desk, 'two', print('/a'), line('/a'))).exit, 13);
  assert.equal(desk.store.load().rules.length, 0);
});

const claim = (folder: string, more: object = {}) => ({
  print: print(folder),
  target: 'two',
  source: 'one',
  folder,
  knowsReadOnly: true,
  ...more,
});

test('with a target of ours: bound to who connects and to which folder it was', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  await add(desk, rule('allow', '/a', { bound: '5:7' }), rule('allow', '/r', { access: 'ro' }));
  assert.equal((await admit(desk, claim('/a', { source: 'three' }))).ok, false);
  assert.equal((await admit(desk, claim('/a', { bound: '5:7' }))).ok, true);
  const read = await admit(desk, claim('/r', { print: print('/r', 'ro') }));
  assert.ok(read.ok && read.value.access === 'ro');
  const swapped = await admit(desk, claim('/a', { bound: '6:8' }));
  assert.ok(!swapped.ok && /taken the place/.test(swapped.why));
  assert.deepEqual(
    desk.store.load().rules.map((r) => r.folder),
    ['/r'],
    'that grant is void',
  );
});

test('a session ends by an order, a revocation, a denial, a block, its time, a damaged store; and is told in the log', async (t) => {
  const ends: readonly [what: RegExp, end: (desk: TestDesk, id: string) => Promise<void> | void][] = [
    [/^because$/, (desk, id) => desk.sessions.end(id, 'because')],
    [
      /revoked/,
      (desk) => desk.store.change((r) => ({ rules: withoutRules(r, { folder: '/a' }), result: undefined })),
    ],
    [/denied/, (desk) => add(desk, rule('deny', '/a/b'))],
    [/blocked/, (desk) => add(desk, rule('block', '/'))],
    [
      /until/,
      (desk) => {
        desk.ahead += 60_001;
      },
    ],
    [/damaged/, (desk) => writeFileSync(desk.store.path, '')],
  ];
  for (const [what, end] of ends) {
    const desk = openDesk(scratch(t, 'desk'));
    await add(desk, rule('allow', '/a', { lasts: 'until', until: desk.now() + 60_000 }));
    const admitted = await admit(desk, claim('/a', { folder: '/a/b' }));
    assert.ok(admitted.ok);
    const kept = keep(desk, admitted.value);
    assert.deepEqual(
      desk.sessions.list().map((s) => [s.id, s.folder]),
      [[kept.id, '/a/b']],
    );
    assert.equal(kept.check(), undefined);
    await end(desk, kept.id);
    const why = kept.check() ?? '';
    assert.match(why, what);
    kept.over(why);
    // An order that comes too late leaves nothing behind.
    desk.sessions.end(kept.id, 'late');
    assert.deepEqual(desk.sessions.list(), []);
    assert.deepEqual(readdirSync(join(desk.store.dir, 'sessions')), []);
    assert.match(desk.audit.read().lines.at(-1)?.why ?? '', what);
  }
});

test('a session of a one-time grant goes on without its rule, and a denial ends it', async (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  await add(desk, rule('allow', '/a', { lasts: 'once', until: desk.now() + 5000 }));
  const admitted = await admit(desk, claim('/a'));
  assert.ok(admitted.ok);
  const kept = keep(desk, admitted.value);
  assert.equal(desk.store.load().rules.length, 0);
  desk.ahead += 100_000;
  assert.equal(kept.check(), undefined);
  await add(desk, rule('deny', '/'));
  assert.match(kept.check() ?? '', /denied/);
});

test('the log: lines that a crash cut short stay one line, and what cannot be read is counted', (t) => {
  const desk = openDesk(scratch(t, 'desk'));
  desk.audit.write({ event: 'change', why: 'a' });
  writeFileSync(desk.audit.path, `${readFileSync(desk.audit.path, 'utf8')}{"event":"cha`);
  desk.audit.write({ event: 'change', why: 'b\n\u202e' });
  const { lines, damaged } = desk.audit.read();
  assert.deepEqual([lines.map((l) => l.why), damaged], [['a', 'b\n\u202e'], 1]);
});
