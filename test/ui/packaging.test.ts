// SPDX-License-Identifier: MIT
// What desktops read of us: entries, metadata, icons.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ninefold, nodeProgram, run } from '../helpers/cli.ts';
import { scratch, TOP } from '../helpers/places.ts';
import { question } from './dialog.ts';

const PACKAGING = join(TOP, 'packaging');
const entries = ['applications', 'autostart'].flatMap((dir) =>
  readdirSync(join(PACKAGING, dir)).map((name) => join(PACKAGING, dir, name)),
);
const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

test('each desktop entry starts a command that there is, has our icon, and its words in Spanish too', async () => {
  assert.ok(entries.length >= 3);
  for (const path of entries) {
    const text = readFileSync(path, 'utf8');
    const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';
    for (const key of ['Name', 'Comment'])
      assert.ok(value(key) !== '' && value(`${key}\\[es\\]`) !== '', `${path}: ${key}`);
    const icon = join(PACKAGING, 'icons/hicolor/scalable/apps', `${value('Icon')}.svg`);
    assert.ok(existsSync(icon), icon);
    for (const [, line = ''] of text.matchAll(/^Exec=ninefold (.*)$/gm)) {
      const r = await ninefold([...line.split(' '), '--help']);
      assert.equal(r.code, 0, `${path}: ninefold ${line}`);
    }
  }
});

test(
  'desktop-file-validate finds the entries right',
  has('desktop-file-validate') ? {} : { skip: 'needs the package desktop-file-utils' },
  () => {
    const r = spawnSync('desktop-file-validate', entries, { encoding: 'utf8' });
    assert.equal(r.status, 0, r.stdout + r.stderr);
  },
);

test(
  'appstreamcli finds the metadata right, and its entry and programs are there',
  has('appstreamcli') ? {} : { skip: 'needs the package appstream' },
  () => {
    const file = join(PACKAGING, 'metainfo/org.ninefold.Manager.metainfo.xml');
    const r = spawnSync('appstreamcli', ['validate', '--no-net', file], { encoding: 'utf8' });
    assert.equal(r.status, 0, r.stdout);
    const text = readFileSync(file, 'utf8');
    for (const [, name = ''] of text.matchAll(/<binary>(.*)<\/binary>/g))
      assert.ok(existsSync(join(TOP, 'bin', name)), name);
    for (const [, name = ''] of text.matchAll(/<launchable type="desktop-id">(.*)<\/launchable>/g))
      assert.ok(existsSync(join(PACKAGING, 'applications', name)), name);
  },
);

test('where GJS is not there, each command with a window names the packages', async (t) => {
  const PATH = scratch(t, 'no-gjs');
  for (const args of [['manager'], ['notices'], ['mounts', '--window']]) {
    const ran = await run(nodeProgram('ninefold', ...args), { env: { PATH } });
    assert.equal(ran.code, 69, ran.stderr);
    assert.match(ran.stderr, /^ninefold \w+: .* install the Debian packages gjs\b.*\n$/);
  }
  const names = ['qvm-folder-share-manager', 'ninefold-ask'];
  for (const name of names) {
    const sh = ['/bin/sh', join(TOP, 'bin', name)];
    for (const [option, words] of [
      ['--help', new RegExp(`^Usage: ${name}\\b`)],
      ['-h', new RegExp(`^Usage: ${name}\\b`)],
      ['--version', /^\d+\.\d+\.\d+\n$/],
    ] as const) {
      const r = await run([...sh, option]);
      assert.deepEqual([r.code, r.stderr], [0, ''], `${name} ${option}`);
      assert.match(r.stdout, words);
    }
    const r = await run([...sh, 'nothing']);
    assert.equal(r.code, 64, r.stderr);
  }
  const wrong = await ninefold(['manager', 'nothing']);
  assert.equal(wrong.code, 64, wrong.stderr);
});

test(
  'without a display each command with a window says so in one line',
  has('gjs') ? {} : { skip: 'needs the packages gjs, gir1.2-gtk-4.0, gir1.2-adw-1' },
  async (t) => {
    const dir = scratch(t, 'no-display');
    const asked = JSON.stringify(question());
    const sh = (name: string): string[] => ['/bin/sh', join(TOP, 'bin', name)];
    for (const [argv, name, stdin] of [
      [nodeProgram('ninefold', 'manager'), 'ninefold manager', ''],
      [nodeProgram('ninefold', 'mounts', '--window'), 'ninefold mounts', ''],
      [sh('qvm-folder-share-manager'), 'qvm-folder-share-manager', ''],
      [sh('ninefold-ask'), 'ninefold-ask', asked],
    ] as const)
      for (const [DISPLAY, why] of [
        ['', 'no desktop: DISPLAY and WAYLAND_DISPLAY are not set'],
        [':7654', 'the display ":7654" does not answer'],
      ] as const) {
        const env = { DISPLAY, WAYLAND_DISPLAY: '', XDG_RUNTIME_DIR: dir, XDG_STATE_HOME: dir };
        const r = await run(argv, { env, stdin: Buffer.from(stdin) });
        assert.equal(r.stderr, `${name}: ${why}; start it from the desktop\n`);
        assert.equal(r.code, 69);
      }
  },
);
