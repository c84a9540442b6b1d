// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LIMITLESS } from '../../test/filecopy/limitless.ts';
import { END, item, REG } from '../../test/filecopy/wire.ts';
import { openSys } from '../linux/index.ts';
import { UNPACKER_RULES } from '../qfile/index.ts';
import { EarlySync } from './early.ts';
import { Receiver } from './receive.ts';

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

test('a receiver of many files begins to write before the end, and syncs at the end by the description that it had from the start', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-early-'));
  t.after(() => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, 'in'));
  writeFileSync(
    join(dir, 'stream'),
    Buffer.concat([...Array.from({ length: 4200 }, (_, i) => item(`f${i}`, REG, 'x')), END]),
  );
  const [readFd, writeFd, rootFd] = [
    openSync(join(dir, 'stream'), 'r'),
    openSync(join(dir, 'answer'), 'w'),
    openSync(join(dir, 'in'), 'r'),
  ];
  const calls: string[] = [];
  const umask = process.umask(0);
  try {
    const end = new Receiver({
      sys: {
        ...sys,
        startSyncfs: (fd) =>
          void calls.push(`begun ${fd !== rootFd} after ${readdirSync(join(dir, 'in')).length}`),
        syncfs: (fd) => calls.push(`synced ${fd === rootFd}`) * 0,
      },
      readFd,
      writeFd,
      rootFd,
      rules: UNPACKER_RULES,
      ...LIMITLESS,
    }).run();
    assert.equal(end.error, 0);
  } finally {
    process.umask(umask);
    for (const fd of [readFd, writeFd, rootFd]) closeSync(fd);
  }
  assert.deepEqual(calls, ['begun true after 4096', 'synced true']);
});
