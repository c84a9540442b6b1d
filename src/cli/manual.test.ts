// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ninefold, nodeProgram, run } from '../../test/helpers/cli.ts';
import { TOP } from '../../test/helpers/places.ts';
import { EXIT } from '../base/error.ts';
import { LISTEN_FORMS } from '../transport/listen.ts';
import { SOURCE_FORMS } from '../transport/source.ts';
import { MOUNT_OPTIONS } from './mount/options.ts';
import { PROXY_OPTIONS } from './proxy/options.ts';
import { SERVE_OPTIONS } from './serve/options.ts';

const path = (name: string): string => join(TOP, 'packaging/man', name);
const page = (name: string): string => readFileSync(path(name), 'utf8');

test('ninefold(1) has every option of every command', async () => {
  const text = page('ninefold.1');
  const policy = [
    'list',
    'allow',
    'deny',
    'block',
    'revoke',
    'put',
    'explain',
    'log',
    'paths',
    'machines',
  ].map((c) => `policy ${c}`);
  const mounts = ['list', 'add', 'remove', 'mount', 'unmount', 'at-login', 'login'].map((c) => `mounts ${c}`);
  const others = [
    'serve',
    'mount',
    'unmount',
    'list',
    'copy',
    'move',
    'receive',
    'open',
    'restore-names',
    'sessions',
    'broker',
    'agent',
  ];
  const commands = [...others, ...policy, ...mounts];
  const helps = await Promise.all(commands.map((c) => ninefold([...c.split(' '), '--help'])));
  for (const [i, command] of commands.entries()) {
    const stdout = helps[i]?.stdout ?? '';
    const options = [...stdout.matchAll(/^ {2}(?:-[a-z], )?--([a-z-]+)/gm)].map((m) => m[1] ?? '');
    assert.ok(options.length >= 2, stdout);
    const name = command.split(' ')[1];
    if (name !== undefined) assert.match(text, new RegExp(`^\\.It Cm ${name}\\b`, 'm'));
    for (const option of options)
      if (option !== 'help') assert.ok(text.includes(`Fl Fl ${option}`), `${command} --${option}`);
  }
  for (const [name] of MOUNT_OPTIONS)
    assert.match(text, new RegExp(`^\\.It Cm .*\\b${name.replace('=…', '')}\\b`, 'm'));
  for (const [form] of [...SOURCE_FORMS, ...LISTEN_FORMS])
    assert.ok(text.includes(`.It Cm ${/^[a-z-]+/.exec(form)?.[0]}`), form);
  for (const exit of Object.values(EXIT)) assert.match(text, new RegExp(`^\\.It .*\\b${exit}\\b`, 'm'));
});

test('ninefold(1): each line of the synopsis begins with the name, and no variable stands twice', () => {
  const text = page('ninefold.1');
  const synopsis = /^\.Sh SYNOPSIS\n([\s\S]*?)^\.Sh/m.exec(text)?.[1] ?? '';
  for (const [, before] of synopsis.matchAll(/^(.*)\n\.Cm /gm)) assert.equal(before, '.Nm', synopsis);
  const variables = [...text.matchAll(/^\.It Ev (.*)$/gm)].flatMap((m) => (m[1] ?? '').split(' , '));
  assert.deepEqual(variables, [...new Set(variables)]);
});

test('qfsd(1) has every option', () => {
  for (const { flag } of SERVE_OPTIONS)
    assert.match(page('qfsd.1'), new RegExp(`^\\.It Fl Fl ${flag}\\b`, 'm'));
});

test('virtfs-proxy-helper(1) has every option', () => {
  for (const { name, short } of PROXY_OPTIONS)
    assert.match(
      page('virtfs-proxy-helper.1'),
      new RegExp(`^\\.It ${short === undefined ? '' : `Fl ${short} , `}Fl Fl ${name}\\b`, 'm'),
    );
});

test('qvm-mount-folder(1) has every option', async () => {
  const { stdout } = await run(nodeProgram('qvm-mount-folder', '--help'));
  for (const [, option] of stdout.matchAll(/--([a-z-]+)/g))
    assert.ok(page('qvm-mount-folder.1').includes(`Fl Fl ${option}`), option);
});

test('the manual pages are well-formed', (t) => {
  if (!existsSync('/usr/bin/groff')) return t.skip('needs the package groff-base');
  for (const name of [
    'ninefold.1',
    'qfsd.1',
    'qvm-folder-share-manager.1',
    'qvm-mount-folder.1',
    'virtfs-proxy-helper.1',
    'qvm-copy.1',
    'qfile-unpacker.1',
    'qvm-open-in-vm.1',
  ]) {
    const r = spawnSync('/usr/bin/groff', ['-mdoc', '-Tutf8', '-ww', path(name)], { encoding: 'utf8' });
    assert.equal(r.status, 0);
    assert.equal(r.stderr, '', name);
  }
});
