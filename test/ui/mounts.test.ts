// SPDX-License-Identifier: MIT
// `ninefold mounts --window`: real mounts of this machine, seen and pressed through the accessibility bus.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../broker/world.ts';
import { leftovers, nodeProgram, run } from '../helpers/cli.ts';
import { OUT, program, scratch } from '../helpers/places.ts';
import { fileDesktop, needsBoth, show } from './manager-rig.ts';

const shared = await fileDesktop();

test('saved in the window, mounted, opened, unmounted, at login, forgotten', needsBoth, async (t) => {
  assert.ok(shared !== undefined);
  const desktop = shared;
  let mounted = '';
  // Also when the test fails in the middle; before the folder is removed.
  t.after(() => mounted !== '' && spawnSync('umount', ['-l', mounted], { stdio: 'ignore' }));
  const dir = scratch(t, 'mounts');
  for (const name of ['share', 'run']) mkdirSync(join(dir, name), { mode: 0o700 });
  writeFileSync(join(dir, 'share/hello'), 'world');
  const opener = join(dir, 'opener');
  writeFileSync(opener, `#!/bin/sh\nprintf %s "$1" > ${dir}/opened\n`, { mode: 0o755 });
  // The window's look at the mounts tells what it saw when it is let: in the middle of a press, say.
  const held = join(dir, 'held');
  const node = join(dir, 'node');
  writeFileSync(
    node,
    `#!/bin/sh
case "$*" in
  *'mounts list'*) seen=$(${process.execPath} "$@") || exit
    : > ${held}.seen
    while [ -e ${held} ]; do sleep 0.01; done
    printf %s "$seen" ;;
  *) exec ${process.execPath} "$@" ;;
esac
`,
    { mode: 0o755 },
  );
  const env = {
    NINEFOLD_NODE: node,
    NINEFOLD_RUNTIME_DIR: join(dir, 'run'),
    NINEFOLD_SANDBOX: 'none',
    NINEFOLD_OPENER: opener,
  };
  const config = join(desktop.dir, 'home/config');
  const mnt = join(dir, 'docs');
  mounted = mnt;
  const window = show(desktop, ['gjs', '-m', join(OUT, 'ui/mounts.js')], env);
  try {
    await desktop.windowOf('Mounts of other machines');
    await window.label(/^No mount is saved/);
    // By hand: what the command would not take is said in the window.
    await window.press('Save a mount');
    await desktop.windowOf('Save a mount');
    const type = (text: string): string => desktop.xdotool('type', '--delay', '20', text);
    type('vault:/a/../b');
    desktop.xdotool('key', 'Return');
    await window.label(/the path has a part/);
    desktop.xdotool('key', 'ctrl+a');
    const source = `exec:${process.execPath} ${program('ninefold')} serve ${dir}/share --stdio`;
    type(source);
    desktop.xdotool('key', 'Tab', 'ctrl+a');
    type(mnt);
    desktop.xdotool('key', 'Return');

    await window.press('Mount docs');
    await window.button('Unmount docs');
    assert.equal(readFileSync(join(mnt, 'hello'), 'utf8'), 'world');
    await window.press('Open docs');
    await eventually('the file manager', () => existsSync(join(dir, 'opened')));
    // The row is grey until the command has ended, and a grey switch takes no press.
    await window.ready('Mount docs at login', 'check box');
    const entry = join(config, 'autostart/org.ninefold.Mounts.desktop');
    // The switch moves for a tenth of a second before it is on; a list that is drawn again meanwhile must not stop it.
    writeFileSync(held, '');
    rmSync(`${held}.seen`, { force: true });
    await eventually('a look at the mounts', () => existsSync(`${held}.seen`));
    await window.press('Mount docs at login', 'check box');
    rmSync(held);
    await eventually('the entry for the login', () => existsSync(entry));
    // By another hand meanwhile.
    const cli = nodeProgram('ninefold', 'mounts', 'unmount', 'docs');
    assert.equal((await run(cli, { env: { ...desktop.env, ...env } })).code, 0);
    await window.press('Mount docs');
    await window.press('Unmount docs');
    await window.button('Mount docs');
    await window.press('Forget docs');
    await window.label(/^No mount is saved/);
    await eventually('the end of the entry', () => !existsSync(entry));
    assert.deepEqual(
      (JSON.parse(readFileSync(join(config, 'ninefold/mounts.json'), 'utf8')) as { mounts: [] }).mounts,
      [],
    );
  } finally {
    await window.end();
  }
  assert.deepEqual(await leftovers(dir), []);
});
