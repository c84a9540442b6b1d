// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSys } from '../linux/index.ts';
import { EarlySync } from './early.ts';

const sys = openSys();

test('what has come is written early: now and then, by a description of its own, which is closed', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-early-'));
  const rootFd = openSync(dir, 'r');
  t.after(() => {
    sys.close(rootFd);
    rmSync(dir, { recursive: true });
  });
  const begun: number[] = [];
  const early = new EarlySync({ ...sys, startSyncfs: (fd) => void begun.push(fd) }, rootFd);
  early.look(4095, 1000);
  assert.deepEqual(begun, []);
  early.look(4096, 1000);
  early.look(4097, 1000);
  early.look(4098, 2 ** 27);
  assert.equal(begun.length, 2);
  const fd = begun[0] ?? -1;
  assert.notEqual(fd, rootFd);
  assert.equal(fstatSync(fd).ino, fstatSync(rootFd).ino);
  for (let files = 5000; files < 1_000_000; files++) early.look(files, files * 4096);
  assert.ok(begun.length > 10 && begun.length < 100, `${begun.length} of a million files`);
  early.close();
  assert.throws(() => fstatSync(fd), /EBADF/);
});

test('a folder that cannot be opened again is synced at the end only', () => {
  const early = new EarlySync({ ...sys, startSyncfs: () => assert.fail('of what?') }, -1);
  early.look(1e6, 1e9);
  early.close();
});
