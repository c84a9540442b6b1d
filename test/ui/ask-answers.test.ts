// SPDX-License-Identifier: MIT
// The dialog as a program: a question in, keys or a screen reader's presses, an answer out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Question } from '../../src/policy/asking.ts';
import type { Desktop } from './desktop.ts';
import { ask, type Dialog, desktopOfFile, needsDesktop, question } from './dialog.ts';

const desktop = await desktopOfFile();

/** As a person does by keyboard: Tab leads to what is chosen in a group, arrows choose. */
async function choose(d: Desktop, pid: number, from: string, key: string, name: string): Promise<void> {
  await d.focus(pid, 'radio button', from);
  for (let i = 0; i < 4; i++) {
    const seen = await d.named(pid, 'radio button', name);
    if (seen.states.includes('checked')) return;
    d.xdotool('key', key);
    await sleep(50);
  }
  throw new Error(`"${name}" is not chosen by ${key}`);
}

/** Name, what the person does (the dialog is open for it), the answer, the question. */
const CASES: readonly (readonly [
  string,
  (d: Desktop, dialog: Dialog) => Promise<unknown> | unknown,
  object,
  Partial<Question>?,
])[] = [
  ['Enter', (d) => d.xdotool('key', 'Return'), { answer: 'deny' }],
  ['Escape', (d) => d.xdotool('key', 'Escape'), { answer: 'deny' }],
  ['the blank, where the focus is at first', (d) => d.xdotool('key', 'space'), { answer: 'deny' }],
  ['the window manager closes it', (d) => d.xdotool('key', 'alt+F4'), { answer: 'deny' }],
  ['its own close button', (d, { pid }) => d.press(pid, 'push button', 'Close'), { answer: 'deny' }],
  [
    'Tab, blank: allow what was asked for, once',
    (d) => d.xdotool('key', 'Tab', 'space'),
    { answer: 'allow', access: 'rw', lasts: 'once' },
  ],
  [
    'Tab, Enter on "Allow"',
    (d) => d.xdotool('key', 'Tab', 'Return'),
    { answer: 'allow', access: 'ro', lasts: 'once' },
    { access: 'ro' },
  ],
  [
    'Tab twice, blank: deny and remember',
    (d) => d.xdotool('key', 'Tab', 'Tab', 'space'),
    { answer: 'deny', lasts: 'always' },
  ],
  [
    'Tab three times, Enter: block',
    (d) => d.xdotool('key', 'Tab', 'Tab', 'Tab', 'Return'),
    { answer: 'block' },
  ],
  [
    'arrows choose, a screen reader presses: read only, for an hour',
    async (d, { pid }) => {
      // GTK 4.8 gives radio buttons no action: whoever uses a screen reader chooses with the keyboard too.
      await choose(d, pid, 'Read, change and delete', 'Up', 'Read only');
      await choose(d, pid, 'Once', 'Down', 'For an hour');
      await d.press(pid, 'push button', 'Allow');
    },
    { answer: 'allow', access: 'ro', lasts: 'until', seconds: 3600 },
  ],
  [
    'by keyboard alone: always',
    async (d, { pid }) => {
      await choose(d, pid, 'Once', 'Down', 'Always');
      await d.focus(pid, 'push button', 'Allow');
      d.xdotool('key', 'space');
    },
    { answer: 'allow', access: 'rw', lasts: 'always' },
  ],
  [
    'Enter in the choices is still a no',
    async (d, { pid }) => {
      await choose(d, pid, 'Once', 'Down', 'Always');
      d.xdotool('key', 'Return');
    },
    { answer: 'deny' },
  ],
];

for (const [name, act, answer, more] of CASES)
  test(`${name} → ${JSON.stringify(answer)}`, needsDesktop, async (t) => {
    const dialog = await ask(t, desktop(), question(more));
    await dialog.opened();
    await act(desktop(), dialog);
    assert.deepEqual(await dialog.answer(), { version: 1, ...answer });
    t.diagnostic(`from request to visible dialog: ${dialog.shownAfter.toFixed(0)} ms`);
  });

test('until tomorrow is until midnight', needsDesktop, async (t) => {
  const d = desktop();
  const dialog = await ask(t, d, question());
  await dialog.opened();
  await choose(d, dialog.pid, 'Once', 'Down', 'Until tomorrow (midnight)');
  await d.press(dialog.pid, 'push button', 'Allow');
  const answer = (await dialog.answer()) as { lasts: string; seconds: number };
  assert.equal(answer.lasts, 'until');
  const end = new Date(Date.now() + answer.seconds * 1000);
  const off = Math.abs(end.getTime() - new Date(end.getFullYear(), end.getMonth(), end.getDate()).getTime());
  assert.ok(off < 15_000, `${off} ms from midnight`);
});

test('what is not offered cannot be chosen, and says why', needsDesktop, async (t) => {
  const d = desktop();
  const dialog = await ask(t, d, question({ source: 'disp77', access: 'ro', lasts: ['once'] }));
  await dialog.opened();
  for (const name of ['For an hour', 'Until tomorrow (midnight)', 'Always']) {
    const seen = await d.named(dialog.pid, 'radio button', name);
    assert.ok(!seen.states.includes('sensitive'), name);
    assert.match(seen.description, /disposable/);
  }
  await d.focus(dialog.pid, 'radio button', 'Once');
  d.xdotool('key', 'Down', 'Down', 'space');
  const write = await d.named(dialog.pid, 'radio button', 'Read, change and delete');
  assert.ok(!write.states.includes('sensitive'));
  assert.match(write.description, /Reading is all/);
  await d.press(dialog.pid, 'push button', 'Allow');
  assert.deepEqual(await dialog.answer(), { version: 1, answer: 'allow', access: 'ro', lasts: 'once' });
});
