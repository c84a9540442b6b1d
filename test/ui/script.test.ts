// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../helpers/cli.ts';
import { scratch, TOP } from '../helpers/places.ts';

test('where GJS is not there, the packages are named, and the status is a refusal', async (t) => {
  const dir = scratch(t, 'no-gjs');
  // A PATH with what the script needs, and nothing else; and it is called through a symbolic link.
  for (const name of ['readlink', 'dirname', 'date', 'mkdir'])
    symlinkSync(
      spawnSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim(),
      join(dir, name),
    );
  symlinkSync(join(TOP, 'bin/ninefold-ask'), join(dir, 'ask'));
  const ran = await run(['/bin/sh', join(dir, 'ask')], {
    env: { PATH: dir, XDG_STATE_HOME: join(dir, 'state') },
    cwd: '/',
  });
  assert.deepEqual([ran.code, ran.stdout], [69, '']);
  assert.match(ran.stderr, /^ninefold-ask: .* install the Debian packages gjs\b.*\n$/);
});

test('an option that there is not is a mistake in the call, and told at once; help needs no window', async () => {
  const wrong = await run([join(TOP, 'bin/ninefold-ask'), '--what']);
  assert.deepEqual([wrong.code, wrong.stdout], [64, '']);
  assert.match(wrong.stderr, /^ninefold-ask: it takes no arguments; see ninefold-ask --help\n$/);
  const help = await run([join(TOP, 'bin/ninefold-ask'), '--help'], {
    env: { DISPLAY: '', WAYLAND_DISPLAY: '' },
  });
  assert.deepEqual([help.code, help.stderr], [0, '']);
  assert.match(help.stdout, /^Usage: ninefold-ask\n/);
});
