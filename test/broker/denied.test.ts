// SPDX-License-Identifier: MIT
// A denial of a folder inside an allowed one holds in the mount of that, through a broker and as qrexec drives the services.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { admit } from '../../src/broker/query.ts';
import { fingerprint } from '../../src/policy/fingerprint.ts';
import type { Rule } from '../../src/policy/rule.ts';
import { cannotMount } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { openDesk, rule, sha256 } from './ground.ts';
import { call, lines, print, qubes } from './qubes.ts';
import { answers, eventually, type World, world } from './world.ts';

const reason = cannotMount();
const needsMount = reason === undefined ? {} : { skip: reason };
const ALWAYS = { answer: 'allow', lasts: 'always' };

for (const [how, make, source, target] of [
  ['a broker', (t) => world(t), 'host', 'box'],
  ['Qubes', (t) => qubes(t, (w) => answers(w.dir, ALWAYS)), 'work', 'vault'],
] as const satisfies readonly (readonly [
  string,
  (t: Parameters<typeof world>[0]) => World,
  string,
  string,
])[])
  for (const sandbox of ['none', 'auto'])
    test(
      `through ${how}, sandbox ${sandbox}: kept out, wherever it is moved; a denial more ends the mount`,
      needsMount,
      async (t) => {
        const w = make(t);
        w.env.NINEFOLD_SANDBOX = sandbox;
        mkdirSync(w.path('share/sub/private/deep'), { recursive: true });
        writeFileSync(w.path('share/sub/private/key'), 'secret');
        if (source === 'host') await w.broker(answers(w.dir, ALWAYS));
        const mounted = async (): Promise<void> => {
          const r = await w.ninefold('mount', `${target}:${w.share}`, w.mnt);
          assert.equal(r.code, 0, r.stderr);
          assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
        };
        const deny = await w.ninefold('policy', 'deny', source, `${target}:${w.share}/sub/private`);
        assert.equal(deny.code, 0, deny.stderr);
        await mounted();
        const inside =
          (path: string): (() => unknown) =>
          () =>
            readdirSync(join(w.mnt, path));
        assert.deepEqual(readdirSync(join(w.mnt, 'sub')), ['private'], 'that it is there may be seen');
        for (const path of ['sub/private', 'sub/private/deep'])
          assert.throws(inside(path), { code: 'EACCES' }, path);
        assert.throws(() => readFileSync(join(w.mnt, 'sub/private/key')), { code: 'EACCES' });
        assert.throws(() => renameSync(join(w.mnt, 'sub'), join(w.mnt, 'other')), { code: 'EACCES' });
        assert.throws(() => renameSync(join(w.mnt, 'sub/private'), join(w.mnt, 'mine')), { code: 'EACCES' });
        renameSync(w.path('share/sub/private'), w.path('share/moved'));
        const code = (): unknown => {
          try {
            return inside('moved')();
          } catch (error) {
            return (error as NodeJS.ErrnoException).code;
          }
        };
        // The client hears of its new name a little later; until then there is nothing, or something stale.
        await eventually('the new name', () => {
          const now = code();
          assert.ok(typeof now === 'string', 'it is never listed');
          return now === 'EACCES';
        });
        mkdirSync(join(w.mnt, 'sub/own'));

        const ends = (): number => w.log().filter((l) => l.event === 'end').length;
        assert.equal((await w.ninefold('policy', 'deny', source, `${target}:${w.share}/sub/own`)).code, 0);
        await eventually('the end', () => ends() === 1);
        assert.match(w.log().findLast((l) => l.event === 'end')?.why ?? '', /sub\/own in it is denied now$/);
        await w.ninefold('unmount', w.mnt);

        await mounted();
        assert.throws(inside('sub/own'), { code: 'EACCES' });
        // A denial inside one that is there already changes nothing.
        assert.equal((await w.ninefold('policy', 'deny', source, `${target}:${w.share}/sub/own/x`)).code, 0);
        assert.equal((await w.ninefold('policy', 'revoke', '--folder', `${w.share}/sub/own/x`)).code, 0);
        assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
        assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
        await eventually('the end', () => ends() === 2);

        assert.equal((await w.ninefold('policy', 'revoke', '--folder', `${w.share}/sub/own`)).code, 0);
        await mounted();
        assert.deepEqual(readdirSync(join(w.mnt, 'sub/own')), []);
        assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
        await eventually('the end', () => ends() === 3);
      },
    );

test('a target of the original, which could not keep it out, is not told that it may serve', async (t) => {
  const w = qubes(t, (w) => answers(w.dir, ALWAYS));
  assert.equal((await call(w, 'dom0', 'ruddo.AuthorizeFolderAccess', lines(w.share))).code, 0);
  const q = (): ReturnType<typeof call> =>
    call(
      w,
      'dom0',
      `ruddo.QueryFolderAuthorization+${print(w.share)}`,
      Buffer.from(w.share).toString('base64'),
      {
        QREXEC_SELF: 'vault',
      },
    );
  assert.equal((await q()).code, 0);
  assert.equal((await w.ninefold('policy', 'deny', 'work', `vault:${w.share}/sub`)).code, 0);
  assert.deepEqual(await q(), { code: 13, stdout: '', stderr: 'Request refused\n' });
  assert.match(w.log().at(-1)?.why ?? '', /cannot keep out/);
});

test('more denials inside than fit in a line: the mount is refused rather than served with some of them', async (t) => {
  const desk = openDesk(scratch(t, 'denied'));
  const grant = rule('allow', '/a');
  const rules = (count: number): Rule[] => [
    grant,
    ...Array.from({ length: count }, (_, i) => rule('deny', `/a/${i}`)),
    // Inside another, of other machines, or over: none of them counts.
    rule('deny', '/a/0/x'),
    rule('deny', '/b'),
    rule('deny', '/a/other', { source: 'three' }),
    rule('deny', '/a/old', { lasts: 'until', until: 1 }),
  ];
  const fill = (of: Rule[]): Promise<undefined> =>
    desk.store.change(() => ({ rules: of, result: undefined }));
  const claim = {
    print: fingerprint(sha256, grant, 'rw'),
    target: 'two',
    source: 'one',
    folder: '/a',
    knowsReadOnly: true,
  };
  await fill(rules(256));
  const good = await admit(desk, claim);
  assert.equal(good.ok && good.value.denied.length, 256);
  await fill(rules(257));
  const bad = await admit(desk, claim);
  assert.match(bad.ok ? '' : bad.why, /^257 folders inside it are denied, which are too many$/);
  await fill([
    grant,
    ...['x', 'y', 'z', 'w'].map((c) => rule('deny', `/a${`/${c.repeat(200)}`.repeat(18)}`)),
  ]);
  assert.equal((await admit(desk, claim)).ok, false, 'few, but long');
});
