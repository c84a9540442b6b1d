// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { cstr, scratch, sys, text } from '../../test/helpers/linux.ts';
import { EBADF, EINVAL, EISDIR, ENOENT } from '../base/errno.ts';
import { O_CREAT, O_DIRECTORY, O_RDONLY, O_RDWR } from '../base/sys.ts';

test('each slow call reports its own errno, whatever else fails meanwhile', async (t) => {
  const s = scratch(t);
  const dir = s.open('.', O_RDONLY | O_DIRECTORY);
  writeFileSync(s.path('f'), 'abc');
  const file = s.open('f', O_RDONLY);
  const expected: number[] = [];
  const got: Promise<number>[] = [];
  for (let i = 0; i < 600; i++) {
    const m = sys.alloc(8);
    const [fd, pos, want] = [
      [-1, 0, -EBADF],
      [dir, 0, -EISDIR],
      [file, -1, -EINVAL],
      [file, 1, 2],
    ][i % 4] as [number, number, number];
    expected.push(want);
    got.push(new Promise((done) => sys.slow.pread(fd, m, 0, 8, pos, done)));
    // Another errno in between, on the loop's own thread.
    assert.equal(sys.openat(s.fd, cstr('none'), O_RDONLY, 0), -ENOENT);
  }
  const tick = setInterval(() => sys.openat(s.fd, cstr('none'), O_RDONLY, 0), 1);
  assert.deepEqual(await Promise.all(got), expected);
  clearInterval(tick);
});

test('a callback may fail in other calls before it is left', async () => {
  const results: number[] = [];
  await new Promise<void>((done) => {
    for (let i = 0; i < 10; i++) {
      sys.slow.fsync(-1, (r) => {
        sys.openat(-100, cstr('/nonexistent'), O_RDONLY, 0);
        if (results.push(r) === 10) done();
      });
    }
  });
  assert.deepEqual(results, new Array(10).fill(-EBADF));
});

test('calls on the pool, in more numbers than it has threads', async (t) => {
  const s = scratch(t);
  const n = 300;
  writeFileSync(s.path('f'), '0123456789'.repeat(n / 10));
  const fd = s.open('f', O_RDWR);
  await Promise.all(
    Array.from({ length: n }, (_, i) => {
      const m = sys.alloc(1);
      return new Promise<void>((ok) =>
        sys.slow.pread(fd, m, 0, 1, i, (r) => ok(assert.deepEqual([r, text(m, 0, 1)], [1, String(i % 10)]))),
      );
    }),
  );
  for (const sync of [sys.slow.fsync, sys.slow.fdatasync]) {
    assert.equal(await new Promise<number>((ok) => sync(fd, ok)), 0);
  }
  const m = sys.alloc(16);
  assert.equal(await new Promise<number>((ok) => sys.slow.pread(fd, m, 4, 12, 5, ok)), 12);
  assert.equal(text(m, 4, 12), '567890123456');
  assert.throws(() => sys.slow.pread(fd, m, 10, 7, 0, () => {}), RangeError);
});

test('syncfs begun in a loop that never waits: any number of times, no error, and the pool works afterwards', async (t) => {
  const s = scratch(t);
  const fd = s.open('f', O_RDWR | O_CREAT);
  for (let i = 0; i < 600; i++) sys.startSyncfs(i % 2 === 0 ? fd : -1);
  assert.equal(await new Promise<number>((ok) => sys.slow.fsync(fd, ok)), 0);
});
