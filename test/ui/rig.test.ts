// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { leftovers, run, start } from '../helpers/cli.ts';
import { scratch, TOP } from '../helpers/places.ts';
import { cannotShow, Desktop } from './desktop.ts';

const reason = cannotShow();
const desktop = reason === undefined ? await Desktop.start() : undefined;
after(async () => {
  await desktop?.end();
  if (desktop !== undefined) assert.deepEqual(await leftovers(desktop.dir), [], 'nothing is left running');
});

test(
  'a window is shown, seen through the accessibility bus, and its button pressed',
  reason === undefined ? {} : { skip: reason },
  async () => {
    assert.ok(desktop !== undefined);
    const running = start([join(TOP, 'bin/ninefold-ask')], { env: { ...desktop.env } });
    await desktop.windowOf('Folder access');
    await desktop.press(running.child.pid ?? 0, 'push button', 'Deny');
    const ran = await running.ended;
    assert.deepEqual([ran.code, ran.stdout], [0, '{"version":1,"answer":"deny"}\n'], ran.stderr);
  },
);

test('where GJS is not there, the packages are named, and the status is a refusal', async (t) => {
  const dir = scratch(t, 'no-gjs');
  // A PATH with what the script needs, and nothing else; and it is called through a symbolic link.
  for (const name of ['readlink', 'dirname'])
    symlinkSync(
      spawnSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim(),
      join(dir, name),
    );
  symlinkSync(join(TOP, 'bin/ninefold-ask'), join(dir, 'ask'));
  const ran = await run(['/bin/sh', join(dir, 'ask')], { env: { PATH: dir }, cwd: '/' });
  assert.deepEqual([ran.code, ran.stdout], [69, '']);
  assert.match(ran.stderr, /^ninefold-ask: .* install the Debian packages gjs\b.*\n$/);
});
