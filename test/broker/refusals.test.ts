// SPDX-License-Identifier: MIT
// What a person is told when a folder is not to be had, and when the broker cannot start.
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cannotMount } from '../helpers/cli.ts';
import { NINEFOLD, NODE, world } from './world.ts';

const reason = cannotMount();
const needsMount = reason === undefined ? {} : { skip: reason };

test('each refusal has its sentence and its exit code, and mounts nothing', needsMount, async (t) => {
  const w = world(t);
  const machines = {
    box: { address: `exec:${NODE} ${NINEFOLD} agent` },
    empty: { address: 'exec:exit 127 #' },
    down: { address: 'unix:/nowhere/agent.sock' },
    silent: {},
  };
  // The question's folder chooses the answer.
  const ask = `cat > ${w.dir}/q; case $(cat ${w.dir}/q) in *denied*) echo '{"version":1,"answer":"deny"}';; *blocked*) echo '{"version":1,"answer":"block"}';; *late*) exec sleep 60;; *broken*) echo x;; *) echo '{"version":1,"answer":"allow"}';; esac`;
  await w.broker(ask, { machines, patience: 1 });
  const plain = join(w.share, 'file');
  writeFileSync(plain, '');
  const cases: readonly [place: string, exit: number, words: RegExp][] = [
    [`box:${w.dir}/none`, 2, /there is no such folder/],
    [`box:${plain}`, 2, /there is no such folder/],
    [`empty:${w.share}`, 127, /no service for shared folders/],
    [`down:${w.share}`, 125, /does not run/],
    [`silent:${w.share}`, 126, /refused, by the policy/],
    [`box:${w.share}/denied`, 13, /was denied/],
    [`nobody:${w.share}`, 13, /was denied/],
    [`box:${w.share}/later`, 69, /was refused just now/],
    ['box:/a//b', 64, /two slashes/],
    ['dom0:/a', 64, /shares nothing/],
  ];
  for (const [place, exit, words] of cases) {
    const r = await w.ninefold('mount', place, w.mnt);
    assert.equal(r.code, exit, `${place}: ${r.stderr}`);
    assert.match(r.stderr, words);
    assert.equal(r.stderr.trim().split('\n').length, 1, r.stderr);
  }
  const quiet = (): Promise<unknown> => w.ninefold('policy', 'allow', 'host', 'box:/quiet', '--once');
  await quiet();
  assert.equal((await w.ninefold('mount', `box:${w.share}/late`, w.mnt)).code, 124);
  await quiet();
  assert.equal((await w.ninefold('mount', `box:${w.share}/broken`, w.mnt)).code, 69);
  await quiet();
  const blocked = await w.run('qvm-mount-folder', ['box', `${w.share}/blocked`, w.mnt]);
  assert.equal(blocked.code, 14, blocked.stderr);
  assert.match(blocked.stderr, /everything .* is blocked/);
  const lines = w.log().filter((l) => l.event === 'decision' && l.folder === `${w.share}/blocked`);
  assert.deepEqual(
    lines.map((l) => l.result),
    ['block'],
    'a decision of a person is one line',
  );
  assert.equal((await w.run('qvm-mount-folder', ['box', w.share, w.mnt])).code, 14);
  assert.equal((await w.run('qvm-mount-folder', ['box', w.share])).code, 64);
  assert.equal((await w.run('qvm-mount-folder', ['box', w.share, w.path('nomnt')])).code, 66);
  assert.deepEqual(readdirSync(w.mnt), []);
});

test('a configuration that is wrong is named with its line; rules that are damaged stop it', async (t) => {
  const w = world(t);
  const check = async (text: string): Promise<[number | string, string]> => {
    writeFileSync(w.path('broker.json'), text);
    const r = await w.ninefold('broker', '--check');
    return [r.code, r.stderr];
  };
  const wrong: readonly [text: string, words: RegExp][] = [
    ['{\n "machines": {\n', /broker\.json, line [23]: it is no JSON/],
    ['{\n "machines": {\n "a b": {} } }', /line 3: "a b": a name begins/],
    ['{\n "machines": {\n "box": {\n "address": "tcp:a:1" } } }', /line 4: .*by tcp/],
    ['{\n "machines": {\n "box": {\n "uid": "x" } } }', /line 4: "machines\.box\.uid"/],
    ['{\n "machines": {\n "ssh": {} } }', /line 3: .*beginning of an address/],
    ['{\n "machine": {} }', /line 2: "machine"/],
    ['{\n "self": "dom0" }', /line 2: "dom0"/],
  ];
  for (const [text, words] of wrong) {
    const [code, said] = await check(text);
    assert.equal(code, 78, said);
    assert.match(said, words);
  }
  assert.equal((await check('{}'))[0], 0);
  await w.ninefold('policy', 'allow', 'host', 'box:/a');
  writeFileSync(w.path('policy/policy.json'), '{');
  const [code, said] = await check('{}');
  assert.equal(code, 78);
  assert.match(said, /damaged.*ninefold policy restore/);
});
