// SPDX-License-Identifier: MIT
// The question about files in a real window: what is shown, and what its buttons answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aboutFiles, ask, desktopOfFile, needsDesktop } from './dialog.ts';

const desktop = await desktopOfFile();
const TITLE = 'Files from another machine';

test('files: who sends them to whom; a yes for this time, by keyboard', needsDesktop, async (t) => {
  const d = desktop();
  const dialog = await ask(t, d, aboutFiles('qubes.Filecopy'), {}, TITLE);
  await d.named(dialog.pid, 'label', 'Who sends: work');
  await d.named(dialog.pid, 'label', 'Who gets them: vault');
  const deny = await d.named(dialog.pid, 'push button', 'Deny');
  assert.ok(deny.states.includes('focused'));
  assert.match(deny.description, /“work” wants to send files to “vault”\n.*replace nothing/);
  const tree = await d.tree(dialog.pid);
  assert.deepEqual(
    tree.filter((s) => s.role === 'radio button' || s.name === 'Deny and remember'),
    [],
    'there is nothing to choose, and nothing to remember but a block',
  );
  await d.find(
    dialog.pid,
    (s) => s.role === 'push button' && s.name === 'Allow this time' && s.states.includes('sensitive'),
    'that it can be pressed',
  );
  await d.focus(dialog.pid, 'push button', 'Allow this time');
  d.xdotool('key', 'space');
  assert.deepEqual(await dialog.answer(), { version: 1, answer: 'allow' });
  t.diagnostic(`from request to visible dialog: ${dialog.shownAfter.toFixed(0)} ms`);
});

test('a file to open: Enter is a no; a block is one', needsDesktop, async (t) => {
  const d = desktop();
  const refused = await ask(t, d, aboutFiles('qubes.OpenInVM'), {}, 'A file to open');
  await d.named(refused.pid, 'label', 'Where it is opened: vault');
  d.xdotool('key', 'Return');
  assert.deepEqual(await refused.answer(), { version: 1, answer: 'deny' });
  const blocked = await ask(t, d, aboutFiles('qubes.OpenInVM'), {}, 'A file to open');
  await d.find(
    blocked.pid,
    (s) => s.role === 'push button' && s.name === 'Block work' && s.states.includes('sensitive'),
    'that it can be pressed',
  );
  await d.press(blocked.pid, 'push button', 'Block work');
  assert.deepEqual(await blocked.answer(), { version: 1, answer: 'block' });
});
