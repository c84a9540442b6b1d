// SPDX-License-Identifier: MIT
// The folder share manager as a person has it: a real broker, real mounts, seen and pressed through the accessibility bus.
import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Rule } from '../../src/policy/rule.ts';
import { openStore, rule } from '../broker/ground.ts';
import { eventually, type World, world } from '../broker/world.ts';
import { run } from '../helpers/cli.ts';
import { OUT, scratch, TOP } from '../helpers/places.ts';
import type { Seen } from './desktop.ts';
import { fileDesktop, MANAGER, needsBoth, needsWindow, pressSoon, show } from './manager-rig.ts';

const shared = await fileDesktop();
const desktopHere = () => {
  assert.ok(shared !== undefined);
  return shared;
};

const list = async (w: World): Promise<Record<string, unknown>[]> =>
  JSON.parse((await w.ninefold('policy', 'list', '--json')).stdout) as Record<string, unknown>[];

function isDead(mountpoint: string): boolean {
  try {
    readdirSync(mountpoint);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTCONN';
  }
}

test(
  'asked by the dialog, allowed there, mounted: shown in the manager, ended from there, and the mount is gone',
  needsBoth,
  async (t) => {
    const desktop = desktopHere();
    const w = world(t);
    const env = Object.entries(desktop.env).map(([name, value]) => `${name}='${value}'`);
    await w.broker(`env ${env.join(' ')} ${join(TOP, 'bin/ninefold-ask')}`);
    const manager = show(desktop, [MANAGER, 'sessions'], w.env);
    try {
      await manager.label('Nobody has a folder mounted.');
      const mounting = w.ninefold('mount', `box:${w.share}`, w.mnt);
      const dialog = Number(desktop.xdotool('getwindowpid', await desktop.windowOf('Folder access')));
      const allow = (seen: Seen): boolean => seen.name === 'Allow' && seen.states.includes('sensitive');
      await desktop.find(dialog, allow, 'that "Allow" can be pressed');
      await pressSoon(desktop, dialog, 'Allow');
      assert.equal((await mounting).code, 0);
      const mounted = performance.now();
      await manager.button(`End now: ${w.share}`);
      t.diagnostic(`shown ${(performance.now() - mounted).toFixed(0)} ms after the mount`);
      await manager.label(/^mounted by host, from box · since .* \(.*\)$/);
      await manager.label('granted for once · 0 B read, 0 B written, says box');
      assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
      await manager.label('granted for once · 5 B read, 0 B written, says box');
      await manager.press(`End now: ${w.share}`);
      await eventually('the end of the session', () => w.log().some((l) => l.event === 'end'));
      await eventually('the end of the mount', () => isDead(w.mnt));
      await manager.label('Nobody has a folder mounted.');
      assert.deepEqual(await list(w), [], 'it was allowed once');
    } finally {
      await manager.end();
    }
  },
);

test(
  'a change by the command shows in the open window; revoked there and undone, it is what it was',
  needsWindow,
  async (t) => {
    const desktop = desktopHere();
    const w = world(t);
    const manager = show(desktop, [MANAGER], w.env);
    try {
      await manager.label('There are no rules: everything is asked about.');
      await w.ninefold('policy', 'allow', 'work', 'vault:/a&b <i>x</i>', '--for', '8h', '--read-only');
      const told = performance.now();
      await manager.button('Revoke /a&b <i>x</i>');
      t.diagnostic(`shown ${(performance.now() - told).toFixed(0)} ms after the command`);
      const before = await list(w);
      await manager.press('Revoke /a&b <i>x</i>');
      // A toast reads markup; what it says is what was meant all the same.
      await manager.label('Taken away: /a&b <i>x</i>, read only');
      await manager.label('There are no rules: everything is asked about.');
      assert.deepEqual(await list(w), []);
      await manager.press('Undo');
      await manager.button('Revoke /a&b <i>x</i>');
      assert.deepEqual(await list(w), before);
      await w.ninefold('policy', 'revoke', '--all');
      await manager.label('There are no rules: everything is asked about.');
    } finally {
      await manager.end();
    }
  },
);

test('a change in the moment between the first look and the watch is not missed', needsWindow, async (t) => {
  const desktop = desktopHere();
  const w = world(t);
  // Where to watch is told only when this test says so.
  const late = `case "$*" in *"policy paths"*) while ! test -e ${w.path('go')}; do sleep 0.02; done;; esac`;
  writeFileSync(w.path('node'), `#!/bin/sh\n${late}\nexec '${process.execPath}' "$@"\n`, { mode: 0o755 });
  const manager = show(desktop, [MANAGER], { ...w.env, NINEFOLD_NODE: w.path('node') });
  try {
    await manager.label('There are no rules: everything is asked about.');
    await w.ninefold('policy', 'allow', 'work', 'vault:/srv', '--for', '8h');
    writeFileSync(w.path('go'), '');
    await manager.button('Revoke /srv');
  } finally {
    await manager.end();
  }
});

test('a rule is made by keyboard, and changed; a fault is told while it is typed', needsWindow, async (t) => {
  const desktop = desktopHere();
  const w = world(t);
  const manager = show(desktop, [MANAGER], w.env);
  try {
    await desktop.windowOf('Folder share manager');
    await manager.label('There are no rules: everything is asked about.');
    desktop.xdotool('key', 'ctrl+n');
    await desktop.windowOf('New rule');
    const type = (text: string): string => desktop.xdotool('type', '--delay', '20', text);
    type('work');
    desktop.xdotool('key', 'Tab', 'Tab');
    type('vault');
    desktop.xdotool('key', 'Tab', 'Tab');
    type('/home/../etc');
    await manager.label('the path has a part ".."');
    desktop.xdotool('key', 'ctrl+a');
    type('/srv/data');
    await manager.gone('the path has a part ".."');
    desktop.xdotool('key', 'Return');
    await manager.button('Edit /srv/data');
    const [made] = await list(w);
    assert.deepEqual(
      [made?.effect, made?.source, made?.target, made?.folder, made?.access, made?.lasts],
      ['allow', 'work', 'vault', '/srv/data', 'ro', 'always'],
    );
    await manager.press('Edit /srv/data');
    await desktop.windowOf('Change rule');
    desktop.xdotool('key', 'ctrl+a');
    type('mail');
    await manager.press('Save');
    await manager.label('mail  (1)');
    const [changed] = await list(w);
    assert.deepEqual([changed?.source, changed?.id], ['mail', made?.id]);
  } finally {
    await manager.end();
  }
});

test('what others wrote into the log is text in the history, whatever it is', needsWindow, async (t) => {
  const desktop = desktopHere();
  const w = world(t);
  await w.ninefold('policy', 'allow', 'work', 'vault:/a');
  const line = {
    time: '2026-01-01T00:00:00.000Z',
    event: 'refused',
    source: 'wo\u202erk',
    target: 'vault',
    folder: '/x\n<b>bold</b>',
    why: `<span size="1">${'y'.repeat(4000)}\u200b`,
  };
  appendFileSync(w.path('policy/audit.jsonl'), `${JSON.stringify(line)}\n{broken\n`);
  const manager = show(desktop, [MANAGER, 'history'], w.env);
  try {
    await manager.label('wo\\u{202e}rk → vault:/x\\u{a}<b>bold</b>');
    for (const seen of await desktop.tree(manager.pid))
      if (seen.name.includes('yyyy') || seen.name.includes('bold'))
        assert.match(seen.name, /^[^\p{Cc}\p{Cf}]*$/u);
    // What happens while it is shown comes to its top.
    await w.ninefold('policy', 'deny', 'work', 'vault:/later');
    await manager.label('work → vault:/later');
  } finally {
    await manager.end();
  }
});

test(
  'the history goes back into older logs: when asked to, and by itself for a filter',
  needsWindow,
  async (t) => {
    const desktop = desktopHere();
    const w = world(t);
    const entry = (i: number): string =>
      `${JSON.stringify({ time: new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString(), event: 'request', source: 'work', target: 'vault', folder: i === 77 ? '/rare' : `/n${i}` })}\n`;
    const entries = (from: number, to: number): string =>
      Array.from({ length: to - from }, (_, i) => entry(from + i)).join('');
    writeFileSync(w.path('policy/audit.jsonl.2'), `${entries(0, 8000)}{broken\n`);
    writeFileSync(w.path('policy/audit.jsonl.1'), entries(8000, 15_990));
    writeFileSync(w.path('policy/audit.jsonl'), entries(15_990, 16_000));
    const manager = show(desktop, [MANAGER, 'history'], w.env);
    try {
      await manager.label('work → vault:/n15999');
      await manager.press('Show older');
      await manager.ready('Show older');
      desktop.xdotool('key', 'ctrl+f');
      desktop.xdotool('type', '--delay', '5', 'rare');
      await manager.label('work → vault:/rare');
      await manager.label('Lines of the log that cannot be read: 1');
      await manager.gone('Show older');
      desktop.xdotool('key', 'ctrl+a', 'BackSpace');
      await manager.label('work → vault:/n15999');
      await manager.ready('Show older');
    } finally {
      await manager.end();
    }
  },
);

test('2,000 rules are shown, and found by what is typed', needsWindow, async (t) => {
  const desktop = desktopHere();
  const dir = scratch(t, 'many');
  const many = Array.from(
    { length: 2000 },
    (_, i): Rule => rule('allow', `/home/user/folder-${i}`, { source: `qube-${i % 40}`, origin: 'command' }),
  );
  const store = openStore(dir);
  await store.change(() => ({ rules: many, result: undefined }));
  const began = performance.now();
  writeFileSync(join(dir, 'broker.json'), '{}');
  const manager = show(desktop, [MANAGER], {
    NINEFOLD_POLICY_DIR: store.dir,
    NINEFOLD_BROKER_CONFIG: join(dir, 'broker.json'),
  });
  try {
    await desktop.windowOf('Folder share manager');
    t.diagnostic(`window after ${(performance.now() - began).toFixed(0)} ms`);
    await manager.button('Edit /home/user/folder-0');
    desktop.xdotool('key', 'ctrl+f');
    desktop.xdotool('type', '--delay', '5', 'folder-1234');
    const typed = performance.now();
    await manager.gone('Edit /home/user/folder-0');
    await manager.button('Edit /home/user/folder-1234');
    t.diagnostic(
      `found ${(performance.now() - typed).toFixed(0)} ms after the last key, the look of the test included`,
    );
    await manager.label('qube-34  (1)');
    await manager.running.child.kill('SIGTERM');
    const { stderr } = await manager.running.ended;
    assert.doesNotMatch(stderr, /WARNING|CRITICAL/);
  } finally {
    await manager.end();
  }
});

test(
  '2,000 rules: how long the window cannot answer while they are filled in, filtered and scrolled',
  needsWindow,
  async (t) => {
    const desktop = desktopHere();
    const ran = await run(['gjs', '-m', join(OUT, 'test/ui/gjs/pauses.js')], { env: { ...desktop.env } });
    assert.equal(ran.code, 0, ran.stderr);
    const pauses = JSON.parse(ran.stdout) as Record<string, number>;
    for (const [what, ms] of Object.entries(pauses)) t.diagnostic(`${what}: ${ms} ms at the longest`);
    assert.equal(Object.keys(pauses).length, 10);
    // Far more than is seen on a machine that has nothing else to do: a list that made a widget for each rule took two seconds.
    for (const [what, ms] of Object.entries(pauses))
      assert.ok(ms < (what === 'fill' ? 3000 : 1500), `${what}: ${ms} ms`);
    assert.doesNotMatch(ran.stderr, /CRITICAL/);
  },
);
