// SPDX-License-Identifier: MIT
// The whole way: a mount asks the broker, the broker finds the dialog through PATH, a person answers, the mount works.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { world } from '../broker/world.ts';
import { cannotMount } from '../helpers/cli.ts';
import { TOP } from '../helpers/places.ts';
import { desktopOfFile, needsDesktop, TITLE } from './dialog.ts';

const desktop = await desktopOfFile();
const reason = cannotMount();

test(
  'request → dialog → allow → the mount works; another request → Escape → refused',
  reason === undefined ? needsDesktop : { skip: reason },
  async (t) => {
    const d = desktop();
    const w = world(t);
    Object.assign(w.env, d.env, { HOME: w.dir, PATH: `${join(TOP, 'bin')}:${process.env.PATH}` });
    const running = await w.broker('');
    const began = performance.now();
    const mount = w.ninefold('mount', `box:${w.share}`, w.mnt);
    await d.windowOf(TITLE);
    t.diagnostic(`from the mount command to the dialog: ${(performance.now() - began).toFixed(0)} ms`);
    const pid = Number(d.xdotool('getactivewindow', 'getwindowpid'));
    await d.named(pid, 'label', 'Who asks: host');
    await d.named(pid, 'label', 'Whose folder: box');
    await d.named(pid, 'label', `Which folder, with all below it: ${w.share}`);
    await d.find(
      pid,
      (s) => s.name === 'Allow' && s.states.includes('sensitive'),
      'that "Allow" can be pressed',
    );
    await d.focus(pid, 'push button', 'Allow');
    d.xdotool('key', 'space');
    const ran = await mount;
    assert.equal(ran.code, 0, ran.stderr);
    assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
    assert.match((await w.ninefold('sessions')).stdout, /host .*box/s);

    const other = w.ninefold('mount', `box:${w.share}/sub`, w.path('share'));
    await d.windowOf(TITLE);
    // A window that is on the screen may not have the keys yet.
    let over = false;
    void other.then(() => {
      over = true;
    });
    for (; !over; await sleep(500)) d.xdotool('key', 'Escape');
    assert.equal((await other).code, 13);
    assert.deepEqual(
      w.log().flatMap((l) => (l.event === 'decision' ? [l.result] : [])),
      ['allow', 'denied'],
    );
    assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
    running.child.kill('SIGTERM');
    assert.equal((await running.ended).code, 143);
  },
);
