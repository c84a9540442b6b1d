// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cannotMount, leftovers, ninefold, type Ran } from '../../../test/helpers/cli.ts';
import { program, scratch } from '../../../test/helpers/places.ts';
import { execWord } from './login.ts';
import { rowsOf } from './rows.ts';

const reason = cannotMount();
const needsMount = reason === undefined ? {} : { skip: reason };

interface Ground {
  readonly dir: string;
  readonly file: string;
  mounts(...args: string[]): Promise<Ran>;
  list(): Promise<Record<string, unknown>[]>;
  env: Record<string, string>;
}

function ground(dir: string): Ground {
  mkdirSync(join(dir, 'share'));
  writeFileSync(join(dir, 'share/hello'), 'world');
  mkdirSync(join(dir, 'run'), { mode: 0o700 });
  const env: Record<string, string> = {
    XDG_CONFIG_HOME: join(dir, 'config'),
    NINEFOLD_RUNTIME_DIR: join(dir, 'run'),
    NINEFOLD_SANDBOX: 'none',
  };
  const mounts = (...args: string[]): Promise<Ran> => ninefold(['mounts', ...args], { env });
  return {
    dir,
    env,
    file: join(dir, 'config/ninefold/mounts.json'),
    mounts,
    list: async () => {
      const rows = JSON.parse((await mounts('list', '--json')).stdout) as Record<string, unknown>[];
      return rows.filter((r) => String(r.mountpoint).startsWith(dir));
    },
  };
}

test('saved, listed, kept in one readable file, removed; what makes no sense is refused', async (t) => {
  const g = ground(scratch(t, 'mounts'));
  assert.deepEqual(await g.list(), []);
  const mnt = join(g.dir, 'mnt/docs');
  assert.equal((await g.mounts('add', 'vault:/home/user', mnt, '-r', '-o', 'noexec')).code, 0);
  assert.deepEqual(JSON.parse(readFileSync(g.file, 'utf8')), {
    format: 'ninefold-mounts-1',
    mounts: [
      {
        name: 'docs',
        source: 'vault:/home/user',
        mountpoint: mnt,
        readOnly: true,
        options: 'noexec',
        login: false,
      },
    ],
  });
  assert.equal(statSync(g.file).mode & 0o777, 0o600);
  const [row] = await g.list();
  assert.deepEqual([row?.name, row?.state, row?.saved], ['docs', 'unmounted', true]);
  const refused: readonly (readonly [args: readonly string[], code: number, words: RegExp])[] = [
    [['add', 'vault:/x', mnt], 64, /docs is saved for/],
    [['add', 'vault:/x', `${mnt}2`, '--name', 'docs'], 64, /docs is saved for/],
    [['add', 'vault:/x', `${mnt}2`, '--name', '../x'], 64, /a name begins/],
    [['add', 'vault:/a/../b', `${mnt}2`], 64, /part "\.\."/],
    [['add', 'ssh://-x/', `${mnt}2`], 64, /./],
    [['add', 'vault:/x', `${mnt}2`, '-o', 'nonsense'], 64, /no such option/],
    [['mount', 'other'], 66, /no saved mount "other"/],
    [['remove', 'other'], 66, /there are docs/],
    [['at-login', 'docs', 'maybe'], 64, /neither yes nor no/],
  ];
  for (const [args, code, words] of refused) {
    const r = await g.mounts(...args);
    assert.equal(r.code, code, `${args.join(' ')}: ${r.stderr}`);
    assert.match(r.stderr, words);
    assert.equal(r.stderr.trim().split('\n').length, 1);
  }
  assert.equal((await g.list()).length, 1);
  assert.equal((await g.mounts('remove', 'docs')).code, 0);
  assert.deepEqual(await g.list(), []);
});

test('a damaged file is named and never overwritten', async (t) => {
  const g = ground(scratch(t, 'mounts'));
  mkdirSync(join(g.dir, 'config/ninefold'), { recursive: true });
  for (const text of ['{', '{"format":"ninefold-mounts-2","mounts":[]}', '{"format":"ninefold-mounts-1"}']) {
    writeFileSync(g.file, text);
    for (const args of [['list'], ['add', 'vault:/x', join(g.dir, 'x')]]) {
      const r = await g.mounts(...args);
      assert.equal(r.code, 78, r.stderr);
      assert.match(r.stderr, /mounts\.json: .*; mend it by hand/);
    }
    assert.equal(readFileSync(g.file, 'utf8'), text);
  }
});

test('ten at once: none is lost', async (t) => {
  const g = ground(scratch(t, 'mounts'));
  const runs = Array.from({ length: 10 }, (_, i) => g.mounts('add', 'vault:/x', join(g.dir, `m${i}`)));
  for (const r of await Promise.all(runs)) assert.equal(r.code, 0, r.stderr);
  assert.equal((await g.list()).length, 10);
});

test('at login: one entry of the desktop, whose command is what it says, there as long as it is wanted', async (t) => {
  const g = ground(scratch(t, 'mounts'));
  const entry = join(g.dir, 'config/autostart/org.ninefold.Mounts.desktop');
  await g.mounts('add', 'vault:/a', join(g.dir, 'a'), '--at-login');
  await g.mounts('add', 'vault:/b', join(g.dir, 'b'));
  const exec = /^Exec=(.*)$/m.exec(readFileSync(entry, 'utf8'))?.[1] ?? '';
  const ran = spawnSync('/bin/sh', ['-c', `${exec} --dry-run`], {
    encoding: 'utf8',
    env: { ...process.env, ...g.env },
  });
  assert.equal(ran.stdout, 'a\n', ran.stderr);
  await g.mounts('at-login', 'b', 'on');
  await g.mounts('at-login', 'a', 'off');
  assert.ok(existsSync(entry));
  await g.mounts('remove', 'b');
  assert.ok(!existsSync(entry));
  assert.equal(execWord('a b$"%'), '"a b\\\\$\\\\"%%"');
});

test('mounted by its name, seen as mounted, opened, unmounted', needsMount, async (t) => {
  const g = ground(scratch(t, 'mounts'));
  const source = `exec:${process.execPath} ${program('ninefold')} serve ${join(g.dir, 'share')} --stdio`;
  const mnt = join(g.dir, 'made/mnt');
  assert.equal((await g.mounts('add', source, mnt, '--name', 'here', '--at-login')).code, 0);
  const login = await g.mounts('login');
  assert.equal(login.code, 0, login.stderr);
  try {
    assert.equal(readFileSync(join(mnt, 'hello'), 'utf8'), 'world');
    const [row] = await g.list();
    assert.deepEqual([row?.name, row?.state, row?.bytesRead], ['here', 'connected', 5]);
    const opener = join(g.dir, 'opener');
    writeFileSync(opener, `#!/bin/sh\nprintf %s "$1" > ${g.dir}/opened\n`);
    chmodSync(opener, 0o755);
    g.env.NINEFOLD_OPENER = opener;
    assert.equal((await g.mounts('open', 'here')).code, 0);
    for (let i = 0; i < 200 && !existsSync(join(g.dir, 'opened')); i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(readFileSync(join(g.dir, 'opened'), 'utf8'), mnt);
    g.env.NINEFOLD_OPENER = '/nowhere/opener';
    assert.equal((await g.mounts('open', 'here')).code, 71);
  } finally {
    assert.equal((await g.mounts('unmount', 'here')).code, 0);
  }
  assert.equal((await g.list())[0]?.state, 'unmounted');
  assert.deepEqual(await leftovers(g.dir), []);
});

test('what is mounted and not saved is listed too', () => {
  const rows = rowsOf(
    [],
    [{ mountpoint: '/m', source: 'box:/a', state: 'connected', readOnly: true, bytesRead: 3 }],
  );
  assert.deepEqual(rows, [
    {
      source: 'box:/a',
      mountpoint: '/m',
      readOnly: true,
      options: '',
      login: false,
      saved: false,
      state: 'connected',
      bytesRead: 3,
    },
  ]);
});
