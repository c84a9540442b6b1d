// SPDX-License-Identifier: MIT
// Disposables get nothing that lasts: by command, and by a rule that was there before.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { authorize } from '../../src/broker/authorize.ts';
import { admit } from '../../src/broker/query.ts';
import { withRule } from '../../src/policy/change.ts';
import { fingerprint } from '../../src/policy/fingerprint.ts';
import type { Rule } from '../../src/policy/rule.ts';
import { formatAsk } from '../../src/policy/wire.ts';
import { scratch } from '../helpers/places.ts';
import { openDesk, rule, says, sha256, type TestDesk } from './ground.ts';
import { script } from './qubes.ts';
import { world } from './world.ts';

test('by command: of the broker’s configuration, or of Qubes; a machine that nobody knows may be granted something', async (t) => {
  const w = world(t);
  const allow = async (source: string, target: string, ...more: string[]): Promise<string> => {
    const r = await w.ninefold('policy', 'allow', source, `${target}:/a`, ...more);
    return r.code === 0 ? 'allowed' : `${r.code} ${/for longer than once to ([^:]*):/.exec(r.stderr)?.[1]}`;
  };
  const machines = { box: { address: 'local' }, guest: { uid: 12345, disposable: true } };
  writeFileSync(w.path('broker.json'), JSON.stringify({ machines }));
  assert.equal(await allow('guest', 'box'), '64 guest');
  assert.equal(await allow('box', 'guest', '--for', '1h'), '64 guest');
  assert.equal(await allow('guest', 'box', '--once'), 'allowed');
  assert.equal(await allow('nobody', 'box'), 'allowed');
  assert.equal((await w.ninefold('policy', 'deny', 'guest', 'box:/a')).code, 0, 'a denial may last');
  script(w.path('qvm-ls'), `printf 'dom0|AdminVM\\nodd|DispVM\\nvault|AppVM\\n'`);
  w.env.NINEFOLD_QVM_LS = w.path('qvm-ls');
  assert.equal(await allow('odd', 'vault'), '64 odd');
  assert.equal(await allow('guest', 'vault'), 'allowed');
  // Who cannot be asked does not say no.
  w.env.NINEFOLD_QVM_LS = w.path('none');
  assert.equal((await w.ninefold('policy', 'allow', 'guest', 'vault:/b')).code, 69);
});

const add = (desk: TestDesk, ...rules: Rule[]): Promise<void> =>
  desk.store.change((before) => ({ rules: rules.reduce(withRule, [...before]), result: undefined }));

test('a lasting rule of before does not stand: a person is asked, and only a grant for once lets it in', async (t) => {
  const desk = openDesk(scratch(t, 'desk'), { gone: true });
  await add(desk, rule('allow', '/a', { source: 'gone' }), rule('allow', '/a'));
  const ask = async (source: string): Promise<string> =>
    (await authorize(desk, source, Buffer.from(formatAsk({ target: 'two', folder: '/a', access: 'rw' }))))
      .stdout;
  const enters = async (source: string): Promise<string> => {
    const print = fingerprint(sha256, { source, target: 'two', folder: '/a' }, 'rw');
    const admitted = await admit(desk, { print, source, target: 'two', folder: '/a', knowsReadOnly: true });
    return admitted.ok ? admitted.value.rule.lasts : 'refused';
  };
  assert.match(await ask('one'), /"always"/);
  assert.equal(await enters('one'), 'always');
  assert.equal(desk.questions.length, 0);
  assert.equal(await enters('gone'), 'refused', 'who has not asked');
  desk.answer = () => says({ answer: 'allow' });
  assert.match(await ask('gone'), /"once"/);
  assert.equal(desk.questions.length, 1);
  assert.equal(await enters('gone'), 'once');
  assert.equal(await enters('gone'), 'refused', 'it is used up');
});
