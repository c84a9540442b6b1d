// SPDX-License-Identifier: MIT
// What keeps a window that pops up under moving hands from granting anything, and what silence means.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ran } from '../helpers/cli.ts';
import type { Desktop, Seen } from './desktop.ts';
import { ask, desktopOfFile, launch, needsDesktop, question, TITLE } from './dialog.ts';

const desktop = await desktopOfFile();

const allowOf = (tree: readonly Seen[]): Seen | undefined =>
  tree.find((s) => s.role === 'push button' && s.name === 'Allow');

const isAllowable = async (d: Desktop, pid: number): Promise<boolean> =>
  allowOf(await d.tree(pid))?.states.includes('sensitive') === true;

test(
  'whoever clicks where "Allow" will be, from before the window comes, is not heard for a second',
  needsDesktop,
  async (t) => {
    const d = desktop();
    // Where the button is: the window manager puts the same window to the same place.
    const model = await ask(t, d, question());
    const shell = d.xdotool('getwindowgeometry', '--shell', await d.windowOf(TITLE));
    const [x = 0, y = 0, width = 0, height = 0] = ['X', 'Y', 'WIDTH', 'HEIGHT'].map((name) =>
      Number(new RegExp(`^${name}=(-?[0-9]+)$`, 'm').exec(shell)?.[1]),
    );
    d.xdotool('key', 'Escape');
    await model.answer();
    d.xdotool('mousemove', String(x + Math.round(width * 0.73)), String(y + height - 80));

    const { pid, ended } = launch(t, d, question());
    let ran: Ran | undefined;
    ended.then((r) => {
      ran = r;
    });
    // The last moment at which the window was not yet at the front: it came later than that.
    let before = performance.now();
    let clicks = 0;
    const began = before;
    while (ran === undefined) {
      const now = performance.now();
      assert.ok(now - began < 20_000, `no answer came of ${pid}`);
      const env = { ...process.env, ...d.env };
      const front = spawnSync('xdotool', ['getactivewindow', 'getwindowname'], { encoding: 'utf8', env });
      if (front.stdout.trim() === TITLE) clicks++;
      else if (clicks === 0) before = now;
      d.xdotool('click', '1');
      await sleep(10);
    }
    const after = performance.now() - before;
    const { stdout } = await ended;
    assert.deepEqual(JSON.parse(stdout), { version: 1, answer: 'allow', access: 'rw', lasts: 'once' });
    assert.ok(after >= 1000, `allowed ${after.toFixed(0)} ms after there was no window`);
    t.diagnostic(`${clicks} clicks, the last ${after.toFixed(0)} ms after there was no window`);
  },
);

test('a window that comes to the front again is shut for a second again', needsDesktop, async (t) => {
  const d = desktop();
  const dialog = await ask(t, d, question());
  const id = await d.windowOf(TITLE);
  await dialog.opened();
  d.xdotool('windowminimize', id);
  await d.find(dialog.pid, (s) => s.role === 'frame' && !s.states.includes('active'), 'that it is away');
  // Longer than a look takes: what is seen next is of after it came.
  await sleep(500);
  const before = performance.now();
  d.xdotool('windowactivate', id);
  await d.find(dialog.pid, (s) => s.role === 'frame' && s.states.includes('active'), 'that it is back');
  await dialog.opened();
  const after = performance.now() - before;
  assert.ok(after >= 1000, `open ${after.toFixed(0)} ms after it came`);
  d.xdotool('key', 'Escape');
  assert.deepEqual(await dialog.answer(), { version: 1, answer: 'deny' });
});

test(
  'a key that is held when the window comes keeps "Allow" shut until it is let go',
  needsDesktop,
  async (t) => {
    const d = desktop();
    d.xdotool('keydown', 'x');
    try {
      const dialog = await ask(t, d, question());
      await sleep(2500);
      assert.ok(!(await isAllowable(d, dialog.pid)), 'shut for two seconds and a half');
      d.xdotool('keyup', 'x');
      await dialog.opened();
      d.xdotool('key', 'Escape');
      assert.deepEqual(await dialog.answer(), { version: 1, answer: 'deny' });
    } finally {
      d.xdotool('keyup', 'x');
    }
  },
);

test(
  'a key that is held and repeats on "Allow" does not press it; a press of its own does',
  needsDesktop,
  async (t) => {
    const d = desktop();
    const dialog = await ask(t, d, question());
    await dialog.opened();
    await d.focus(dialog.pid, 'push button', 'Allow');
    for (const key of ['space', 'Return']) {
      d.xdotool('keydown', key);
      await sleep(1500);
      d.xdotool('keyup', key);
      assert.ok(await isAllowable(d, dialog.pid), `${key}: still there`);
    }
    d.xdotool('key', 'space');
    assert.deepEqual(await dialog.answer(), { version: 1, answer: 'allow', access: 'rw', lasts: 'once' });
  },
);

test('a path longer than the screen: allowed only after its end was seen', needsDesktop, async (t) => {
  const d = desktop();
  const folder = `/${Array.from({ length: 20 }, (_, i) => `${'w'.repeat(180)}${i}`).join('/')}`;
  const dialog = await ask(t, d, question({ folder }));
  await sleep(1500);
  assert.ok(!(await isAllowable(d, dialog.pid)));
  await d.find(dialog.pid, (s) => /scroll to the end/.test(s.name), 'the word about it');
  for (let i = 0; i < 30 && !(await isAllowable(d, dialog.pid)); i++) {
    d.xdotool('key', 'Next');
    await sleep(120);
  }
  await d.press(dialog.pid, 'push button', 'Allow');
  assert.deepEqual(await dialog.answer(), { version: 1, answer: 'allow', access: 'rw', lasts: 'once' });
});

test('the patience is shown, and its end is a refusal', needsDesktop, async (t) => {
  const d = desktop();
  const began = performance.now();
  const dialog = await ask(t, d, question({ patience: 9 }));
  await d.find(dialog.pid, (s) => /^Refused in (one second|[2-9] seconds)$/.test(s.name), 'the seconds');
  assert.deepEqual(await dialog.answer(), { version: 1, answer: 'deny' });
  assert.ok(performance.now() - began >= 8900);
});

test('questions that come to wait while this one is open are counted', needsDesktop, async (t) => {
  const d = desktop();
  const waitingFile = join(d.dir, 'waiting');
  writeFileSync(waitingFile, '0');
  const dialog = await ask(t, d, question({ waitingFile }));
  const says = (what: RegExp): Promise<Seen> => d.find(dialog.pid, (s) => what.test(s.name), String(what));
  await says(/^Refused in [0-9]+ seconds$/);
  writeFileSync(waitingFile, '2');
  await says(/^Refused in [0-9]+ seconds · 2 more questions wait$/);
  writeFileSync(waitingFile, '<b>3</b>');
  await says(/^Refused in [0-9]+ seconds$/);
  d.xdotool('key', 'Escape');
  assert.deepEqual(await dialog.answer(), { version: 1, answer: 'deny' });
});

test(
  'two brokers at once: the second dialog comes when the first is answered; its patience ran meanwhile',
  needsDesktop,
  async (t) => {
    const d = desktop();
    const first = await ask(t, d, question({ source: 'first' }));
    const second = launch(t, d, question({ source: 'second' }));
    const third = launch(t, d, question({ source: 'third', patience: 2 }));
    await sleep(2500);
    assert.equal(d.xdotool('search', '--onlyvisible', '--name', `^${TITLE}$`).trim().split('\n').length, 1);
    assert.equal((await d.tree(second.pid)).length, 0);
    d.xdotool('key', 'Escape');
    assert.deepEqual(await first.answer(), { version: 1, answer: 'deny' });
    await d.named(second.pid, 'label', 'Who asks: second');
    assert.ok(await d.windowOf(TITLE));
    d.xdotool('key', 'Escape');
    const rans = await Promise.all([second.ended, third.ended]);
    // The third's time was over when its turn came: no window.
    for (const ran of rans) assert.equal(ran.stdout, '{"version":1,"answer":"deny"}\n', ran.stderr);
  },
);
