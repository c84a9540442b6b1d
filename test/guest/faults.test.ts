// SPDX-License-Identifier: MIT
// Faults that take a kernel with quota and device-mapper: the tests of them, run in a guest.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { OUT, TOP } from '../helpers/places.ts';
import { runInGuest } from './boot.ts';
import { kernelIsThere, noGuest } from './kernel.ts';

const FILES = ['quota', 'mapped'];
const LIMIT_MS = 290_000;

const skip =
  noGuest() ??
  (process.env.CI || kernelIsThere()
    ? undefined
    : 'no guest kernel yet: `node dist/test/guest/main.js -- true` fetches it');

test('quota, and errors of a disk, in a guest', skip === undefined ? {} : { skip }, async (t) => {
  let [out, err] = ['', ''];
  const code = await runInGuest({
    command: [
      process.execPath,
      ...['--test', '--test-concurrency=1', '--test-reporter=tap'],
      ...FILES.map((name) => join(OUT, `test/faults/${name}.test.js`)),
    ],
    cwd: '/',
    show: [TOP, OUT],
    ...(process.env.NINEFOLD_SEED === undefined ? {} : { env: { NINEFOLD_SEED: process.env.NINEFOLD_SEED } }),
    limitMs: LIMIT_MS,
    stdout: (b) => (out += b.toString()),
    stderr: (b) => (err += b.toString()),
  });
  for (const line of out.split('\n'))
    if (/^ *(ok|not ok) \d|NINEFOLD_SEED=/.test(line)) t.diagnostic(line.trim().replace(/^# /, ''));
  assert.equal(code, 0, `${out.slice(-4000)}\n${err.slice(-1000)}`);
  assert.match(out, /^# skipped 0$/m);
});
