// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PathSys } from '../base/path-sys.ts';
import { O_DIRECTORY, O_PATH } from '../base/sys.ts';
import { setNonblocking } from '../linux/descriptors.ts';
import { socketpair } from '../linux/net.ts';
import { openPathSys } from '../linux/paths.ts';
import { type ProxySetting, rehearseProxy } from './index.ts';

/** What a rehearsal must never call. */
const CHANGES: readonly (keyof PathSys)[] = [
  'chmodat',
  'chownat',
  'linkat',
  'lremovexattr',
  'lsetxattr',
  'mkdirat',
  'mknodat',
  'renameat',
  'symlinkat',
  'truncate',
  'unlinkat',
  'utimensat',
];

/** An export with `files`, with this process in the helper's place: what belongs to root alone is left out, what would change something is counted in `touched`. */
function arena(t: TestContext, files: readonly string[]) {
  const dir = fs.mkdtempSync(join(tmpdir(), 'ninefold-rehearsal-'));
  for (const file of files) {
    fs.mkdirSync(join(dir, file, '..'), { recursive: true });
    fs.writeFileSync(join(dir, file), 'x');
  }
  const flags = O_PATH | O_DIRECTORY;
  const [fd, procFd] = [fs.openSync(dir, flags), fs.openSync('/proc/self/fd', flags)];
  const pair: [number, number] = [-1, -1];
  assert.equal(socketpair(pair), 0);
  for (const end of pair) assert.equal(setNonblocking(end, true), 0);
  const here = process.cwd();
  t.after(() => {
    process.chdir(here);
    for (const f of [fd, procFd, ...pair]) fs.closeSync(f);
    fs.rmSync(dir, { recursive: true });
  });
  const touched: string[] = [];
  const refusing = Object.fromEntries(CHANGES.map((name) => [name, () => touched.push(name)]));
  const sys: PathSys = { ...openPathSys(), ...refusing, setEffective: () => 0, umask: () => 0 };
  const setting: ProxySetting = {
    sys,
    procFd,
    root: { fd, sealed: true },
    options: { readOnly: false, devices: true },
  };
  return { dir, pair, touched, setting };
}

const openDescriptors = (): number => fs.readdirSync('/proc/self/fd').length;

for (const files of [[], ['home/user/notes.txt']])
  test(`a rehearsal asks much and changes nothing, in an export of ${files.length} files`, (t) => {
    const { dir, pair, touched, setting } = arena(t, files);
    const before = {
      names: fs.readdirSync(dir, { recursive: true }),
      stat: fs.statSync(dir, { bigint: true }),
    };
    const descriptors = openDescriptors();
    assert.ok(rehearseProxy({ ...setting, pair }) > 50);
    assert.deepEqual(touched, []);
    assert.equal(openDescriptors(), descriptors);
    assert.deepEqual(fs.readdirSync(dir, { recursive: true }), before.names);
    assert.deepEqual(fs.statSync(dir, { bigint: true }), before.stat);
  });

test('a rehearsal ends when nobody is at the other end', (t) => {
  const { pair, setting } = arena(t, []);
  const broken = { ...setting.sys, sendWaiting: () => -32 };
  assert.equal(rehearseProxy({ ...setting, sys: broken, pair }), 0);
});
