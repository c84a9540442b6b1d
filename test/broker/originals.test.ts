// SPDX-License-Identifier: MIT
// Opt-in: the way to a mount with the programs of the original, each combination of its client, its server's service and its dom0 with ours. See docs/ORIGINALS.md.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { encodeText } from '../../src/policy/base64.ts';
import { cannotMount, run } from '../helpers/cli.ts';
import { noOriginal, type Originals, originals, type Part } from './originals.ts';
import { call, lines, ourAdmin, print, qubes } from './qubes.ts';
import { answers, type World } from './world.ts';

const reason = noOriginal ?? cannotMount();
const needs = reason === undefined ? {} : { skip: reason };

interface Ground {
  readonly w: World;
  readonly o: Originals;
  asked(): number;
}

/** One dialog is answered with `always`, on whichever side decides. */
function ground(t: TestContext, parts: readonly Part[], inMount?: string): Ground {
  const w = qubes(t, (w) => `echo >> ${w.dir}/asks; ${answers(w.dir, { answer: 'allow', lasts: 'always' })}`);
  const o = originals(w, parts, inMount);
  writeFileSync(o.dialog, 'ALLOW_ALWAYS\n');
  const count = (path: string): number =>
    existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
  return { w, o, asked: () => count(o.asked) + count(w.path('asks')) };
}

const line = (w: World, folder = w.share): RegExp =>
  new RegExp(`^ruddo\\.ConnectToFolder \\+${print(folder)} work vault allow$`, 'm');
const policy = (w: World): string => readFileSync(w.path('policy.d/79-qubes-shared-folders.policy'), 'utf8');

const PARTS: readonly (readonly Part[])[] = [
  ['dom0'],
  ['server'],
  ['client'],
  ['dom0', 'server'],
  ['dom0', 'client'],
  ['server', 'client'],
  ['dom0', 'server', 'client'],
];
for (const parts of PARTS)
  test(`mounted with the original's ${parts.join(', ')} and the rest of ours`, needs, async (t) => {
    const { w, o, asked } = ground(t, parts, 'cat hello; echo there > made; cat made; ls sub');
    const mount = async (folder: string): Promise<void> => {
      if (parts.includes('client')) {
        const r = await run(['bash', o.mountFolder, 'vault', folder, w.mnt], { env: w.env });
        assert.equal(r.code, 0, r.stderr);
        return;
      }
      const r = await w.run('qvm-mount-folder', ['vault', folder, w.mnt]);
      assert.equal(r.code, 0, r.stderr);
      if (folder === w.share) {
        assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
        writeFileSync(join(w.mnt, 'made'), 'there\n');
      }
      assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
    };
    await mount(w.share);
    assert.equal(readFileSync(join(w.share, 'made'), 'utf8'), 'there\n', 'written through the mount');
    assert.match(policy(w), line(w), 'the fingerprint and the line are those of the original');
    if (parts.includes('client')) {
      const seen = readFileSync(w.path('original/seen'), 'utf8');
      assert.equal(seen, 'worldthere\n');
      assert.match(readFileSync(w.path('original/mounted'), 'utf8'), new RegExp(`qvm://vault${w.share} `));
    }
    await mount(w.share);
    assert.equal(asked(), 1, 'nobody is asked a second time');
  });

test("the original's dom0 gives our client the statuses that it knows", needs, async (t) => {
  const { w, o } = ground(t, ['dom0']);
  writeFileSync(o.dialog, 'DENY_ALWAYS\n');
  const denied = await w.run('qvm-mount-folder', ['vault', w.share, w.mnt]);
  assert.equal(denied.code, 13, denied.stderr);
  writeFileSync(o.dialog, 'ALLOW_ALWAYS\n');
  const unknown = await w.run('qvm-mount-folder', ['nobody', w.share, w.mnt]);
  assert.equal(unknown.code, 22, unknown.stderr);
  const none = await w.run('qvm-mount-folder', ['vault', `${w.dir}/none`, w.mnt]);
  assert.equal(none.code, 2, none.stderr);
});

test("our services give the original's client the statuses that it knows", needs, async (t) => {
  const { w, o } = ground(t, ['client']);
  const mount = (qube: string, folder: string): ReturnType<typeof run> =>
    run(['bash', o.mountFolder, qube, folder, w.mnt], { env: w.env });
  const none = await mount('vault', `${w.dir}/none`);
  assert.deepEqual([none.code, /does not exist in qube vault/.test(none.stderr)], [2, true], none.stderr);
  const bad = await mount('vault', '/a/../b');
  assert.deepEqual([bad.code, /Invalid parameters/.test(bad.stderr)], [22, true], bad.stderr);
  w.env.NINEFOLD_ASK = answers(w.dir, { answer: 'deny', lasts: 'always' });
  const denied = await mount('vault', '/home');
  assert.deepEqual([denied.code, /Request denied/.test(denied.stderr)], [13, true], denied.stderr);
});

test("the original's one-time grant: good for one mount of ours, then asked again", needs, async (t) => {
  const { w, o, asked } = ground(t, ['dom0']);
  writeFileSync(o.dialog, 'ALLOW_ONETIME\n');
  for (const n of [1, 2]) {
    const r = await w.run('qvm-mount-folder', ['vault', w.share, w.mnt]);
    assert.equal(r.code, 0, r.stderr);
    assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
    assert.equal(asked(), n);
    assert.doesNotMatch(policy(w), /^ruddo/m);
  }
});

test(
  'a database that the original wrote is taken over: the same answers, the same lines',
  needs,
  async (t) => {
    const { w, o } = ground(t, ['dom0']);
    const answer = async (folder: string, word: string, status: number): Promise<void> => {
      writeFileSync(o.dialog, `${word}\n`);
      const r = await call(w, 'dom0', 'ruddo.AuthorizeFolderAccess', lines(folder));
      assert.deepEqual([r.code, r.stdout], [status, status === 0 ? print(folder) : ''], r.stderr);
    };
    await answer(w.share, 'ALLOW_ALWAYS', 0);
    await answer('/srv/no', 'DENY_ALWAYS', 13);
    await answer('/srv/once', 'ALLOW_ONETIME', 0);
    const theirs = readFileSync(o.db, 'utf8');
    writeFileSync(w.path('policy/policy.db'), theirs);
    ourAdmin(w);
    const list = await w.ninefold('policy', 'list', '--json');
    assert.equal(list.code, 0, list.stderr);
    const rules = (JSON.parse(list.stdout) as Record<string, string>[]).map((r) => [r.effect, r.folder]);
    assert.deepEqual(rules.sort(), [
      ['allow', w.share],
      ['deny', '/srv/no'],
    ]);
    w.env.NINEFOLD_ASK = '';
    const yes = await call(w, 'dom0', 'ruddo.AuthorizeFolderAccess', lines(join(w.share, 'sub')));
    assert.deepEqual([yes.code, yes.stdout], [0, print(w.share)], 'its fingerprint, for a folder below');
    assert.equal((await call(w, 'dom0', 'ruddo.AuthorizeFolderAccess', lines('/srv/no/x'))).code, 13);
    assert.match(policy(w), line(w));
    assert.doesNotMatch(policy(w), line(w, '/srv/once'), 'a one-time grant is not taken over');
    assert.equal(readFileSync(w.path('policy/policy.db'), 'utf8'), theirs, 'left as it was');
    const query = await call(
      w,
      'dom0',
      `ruddo.QueryFolderAuthorization+${print(w.share)}`,
      encodeText(w.share),
      { QREXEC_SELF: 'vault' },
    );
    assert.equal(query.stdout, `${w.share}\n`);
  },
);
