// SPDX-License-Identifier: MIT
// The folder of rules about calls: read as qrexec reads its own, all or nothing, and anew when something has changed.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CallPolicy, type Verdict } from '../../src/broker/call-policy.ts';
import type { CallMachine } from '../../src/policy/call-rules.ts';
import { run } from '../helpers/cli.ts';
import { TOP } from '../helpers/places.ts';
import { answers, NODE, world } from './world.ts';

const MACHINES = new Map<string, CallMachine>([
  ['work', { disposable: false, tags: [] }],
  ['vault', { disposable: false, tags: [] }],
]);

function folder(t: TestContext): {
  write(name: string, text: string): void;
  decide(call: string): Verdict;
  dir: string;
} {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-calls-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const policy = new CallPolicy({ path: dir, named: true });
  return {
    dir,
    write: (name, text) => writeFileSync(join(dir, name), text),
    decide(call) {
      const [service = '', argument = '', source = '', target = ''] = call.split(' ');
      return policy.decide({ service, argument, source, target }, (name) => MACHINES.get(name));
    },
  };
}

const COPY = 'qubes.Filecopy + work vault';

test('without rules files are asked about, folders go on, and nothing else is there', (t) => {
  const f = folder(t);
  assert.deepEqual(f.decide(COPY), { kind: 'ask', target: 'vault', why: 'built in:1' });
  assert.equal(f.decide('qubes.OpenInVM + work vault').kind, 'ask');
  assert.equal(f.decide('ruddo.AuthorizeFolderAccess + work dom0').kind, 'allow');
  assert.equal(f.decide('ruddo.ConnectToFolder +x work vault').kind, 'allow');
  for (const call of [
    'qubes.VMShell + work vault',
    'qubes.Filecopy + work dom0',
    'ruddo.AuthorizeFolderAccess + work vault',
  ])
    assert.deepEqual(f.decide(call), { kind: 'refuse', why: 'no rule is about it' }, call);
  // Nothing chooses a machine, there are no disposables, and nobody calls itself.
  assert.match((f.decide('qubes.Filecopy + work @default') as { why: string }).why, /no machine/);
  assert.match((f.decide('qubes.Filecopy + work nowhere') as { why: string }).why, /no machine/);
  assert.match((f.decide('qubes.Filecopy + work @dispvm') as { why: string }).why, /no disposables/);
  assert.match((f.decide('qubes.Filecopy + work work') as { why: string }).why, /itself/);
});

test('files in the order of their names, the first rule wins; a change is seen at the next call', (t) => {
  const f = folder(t);
  f.write('30-mine.policy', 'qubes.Filecopy * work vault allow user=me\n');
  assert.deepEqual(f.decide(COPY), {
    kind: 'allow',
    target: 'vault',
    user: 'me',
    why: `${join(f.dir, '30-mine.policy')}:1`,
  });
  f.write('20-first.policy', 'qubes.Filecopy * * * deny\n');
  assert.match((f.decide(COPY) as { why: string }).why, /denied by .*20-first.policy:1/);
  rmSync(join(f.dir, '20-first.policy'));
  f.write('.hidden.policy', 'nonsense');
  f.write('no-ending', 'nonsense');
  assert.equal(f.decide(COPY).kind, 'allow');
});

test('targets: chosen by a rule, where the caller names none or another', (t) => {
  const f = folder(t);
  f.write(
    'a.policy',
    'qubes.Filecopy * work @default ask default_target=vault\nqubes.OpenInVM * work * allow target=vault\n',
  );
  assert.deepEqual(f.decide('qubes.Filecopy + work @default'), {
    kind: 'ask',
    target: 'vault',
    why: `${join(f.dir, 'a.policy')}:1`,
  });
  const open = f.decide('qubes.OpenInVM + work @dispvm');
  assert.deepEqual([open.kind, (open as { target: string }).target], ['allow', 'vault']);
});

test('what is included belongs to it, and what cannot be understood stops every call', (t) => {
  const f = folder(t);
  mkdirSync(join(f.dir, 'include'));
  f.write('include/more', 'qubes.Filecopy * * * allow\n');
  f.write('a.policy', '!include include/more\n');
  assert.equal(f.decide(COPY).kind, 'allow');
  f.write('include/more', 'qubes.Filecopy * * * deny\n');
  assert.equal(f.decide(COPY).kind, 'refuse');
  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['a.policy', '\nqubes.Filecopy * * * perhaps\n', /a\.policy, line 2: "perhaps" is no action/],
    ['a.policy', '!include a.policy\n', /include each other/],
    ['a.policy', '!include gone\n', /gone: no such file/],
    ['a.policy', '!include-dir gone\n', /gone: no such file/],
    ['a.policy', '#'.repeat((1 << 20) + 1), /a\.policy: it is larger than 1048576 bytes/],
    ['B.policy', '', /B\.policy: a name has small letters/],
  ];
  for (const [name, text, why] of bad) {
    f.write('a.policy', '');
    f.write(name, text);
    assert.throws(() => f.decide(COPY), { message: why, code: 'CALL_POLICY' }, text.slice(0, 40));
    // Also what was allowed before: what it denies now is not known.
    assert.throws(() => f.decide('ruddo.AuthorizeFolderAccess + work dom0'), { code: 'CALL_POLICY' });
  }
  rmSync(join(f.dir, 'B.policy'));
  assert.equal(f.decide(COPY).kind, 'ask');
});

test('a folder that somebody has named must be there; the usual one need not', (t) => {
  const path = join(folder(t).dir, 'gone');
  assert.equal(new CallPolicy({ path, named: false }).count, 0);
  const call = { service: 'qubes.Filecopy', argument: '+', source: 'work', target: 'vault' };
  const named = new CallPolicy({ path, named: true });
  assert.throws(() => named.decide(call, (name) => MACHINES.get(name)), {
    code: 'CALL_POLICY',
    message: /gone: no such file/,
  });
});

test('a broker does not begin without what its configuration, its options or the environment name', async (t) => {
  const w = world(t);
  const check = async (code: number, words: RegExp, ...more: string[]): Promise<void> => {
    const r = await w.ninefold('broker', '--check', ...more);
    assert.equal(r.code, code, r.stderr);
    assert.match(code === 0 ? r.stdout : r.stderr, words);
  };
  rmSync(w.path('broker.json'));
  await check(78, /cannot use the configuration .*broker\.json: no such file.*; make it, or name another/);
  await check(78, /nope\.json: no such file/, '--config', w.path('nope.json'));
  const machines = await w.ninefold('policy', 'machines');
  assert.deepEqual([machines.code, machines.stdout], [78, '']);
  writeFileSync(w.path('broker.json'), JSON.stringify({ policy: w.path('gone') }));
  await check(78, /cannot use the policy .*gone: no such file/);
  writeFileSync(w.path('broker.json'), '{}');
  await check(0, /0 machines; 0 rules; 0 about calls/);
  w.env.NINEFOLD_PATIENCE = 'x';
  await check(64, /cannot use NINEFOLD_PATIENCE "x"/);
});

test('a broker goes by them: without a question, by no means, to the machine that they name; and stops all while one is damaged', async (t) => {
  const w = world(t);
  mkdirSync(w.path('policy.d'));
  mkdirSync(w.path('in'));
  w.env.NINEFOLD_INCOMING = w.path('in');
  const rule = (text: string): void => writeFileSync(w.path('policy.d/30-user.policy'), text);
  rule('qubes.Filecopy * host box allow\n');
  await w.broker(answers(w.dir, { answer: 'allow' }));
  const copy = () => w.ninefold('copy', w.path('share/hello'), 'box');
  const allowed = await copy();
  assert.equal(allowed.code, 0, allowed.stderr);
  assert.equal(readFileSync(w.path('in/hello'), 'utf8'), 'world');
  assert.equal(existsSync(w.path('question.json')), false);
  assert.match(w.log()[1]?.why ?? '', /^the policy allows it: .*30-user\.policy:1$/);

  rule('qubes.Filecopy * @anyvm box deny\n');
  assert.equal((await copy()).code, 77);
  assert.match(w.log().at(-1)?.why ?? '', /^denied by .*30-user\.policy:1$/);
  rule('ruddo.* * host @adminvm deny\n');
  const damaged = await w.ninefold('mount', `box:${w.share}`, w.mnt);
  assert.notEqual(damaged.code, 0);
  assert.match(w.log().at(-1)?.why ?? '', /^cannot use the policy .*line 1: "ruddo\.\*" is no service/);
  const check = await w.ninefold('broker', '--check');
  assert.equal(check.code, 78);
  assert.match(check.stderr, /30-user\.policy, line 1: "ruddo\.\*" is no service/);
  rule('ruddo.AuthorizeFolderAccess * host @adminvm deny\n');
  assert.notEqual((await w.ninefold('mount', `box:${w.share}`, w.mnt)).code, 0);
  assert.equal(existsSync(w.path('question.json')), false);

  rmSync(w.path('in/hello'));
  rule('qubes.Filecopy * @anyvm @default ask default_target=box\n');
  const named = await run([NODE, join(TOP, 'bin/qvm-copy'), w.path('share/hello')], { env: w.env });
  assert.equal(named.code, 0, named.stderr);
  assert.equal(
    (JSON.parse(readFileSync(w.path('question.json'), 'utf8')) as { target: string }).target,
    'box',
  );
  assert.ok(existsSync(w.path('in/hello')));

  rmSync(w.path('in/hello'));
  rule('qubes.Filecopy * @anyvm box allow\n');
  await w.ninefold('policy', 'block', 'host', 'box');
  assert.equal((await copy()).code, 77, 'a block comes before what a rule allows');
});
