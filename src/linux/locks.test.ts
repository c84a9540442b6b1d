// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scratch, sys } from '../../test/helpers/linux.ts';
import { EAGAIN, EBADF } from '../base/errno.ts';
import { F_RDLCK, F_UNLCK, F_WRLCK, type LockInfo, O_CREAT, O_RDONLY, O_RDWR } from '../base/sys.ts';

test('locks belong to the open file description', (t) => {
  const s = scratch(t);
  const a = s.open('f', O_RDWR | O_CREAT);
  const b = s.open('f', O_RDWR);
  const out: LockInfo = { type: 9, start: 9, len: 9, pid: 9 };
  assert.equal(sys.ofdSetLock(a, F_WRLCK, 10, 20), 0);
  assert.equal(sys.ofdSetLock(b, F_RDLCK, 29, 1), -EAGAIN);
  assert.equal(sys.ofdSetLock(b, F_WRLCK, 30, 0), 0);
  assert.equal(sys.ofdGetLock(b, F_WRLCK, 0, 0, out), 0);
  assert.deepEqual(out, { type: F_WRLCK, start: 10, len: 20, pid: -1 });
  assert.equal(sys.ofdGetLock(b, F_RDLCK, 0, 10, out), 0);
  assert.equal(out.type, F_UNLCK);
  assert.equal(sys.ofdSetLock(a, F_UNLCK, 10, 10), 0);
  assert.equal(sys.ofdSetLock(b, F_RDLCK, 10, 10), 0);
});

test('a shared lock is shared, and needs a readable descriptor', (t) => {
  const s = scratch(t);
  const a = s.open('f', O_RDWR | O_CREAT);
  const b = s.open('f', O_RDONLY);
  assert.equal(sys.ofdSetLock(a, F_RDLCK, 0, 0), 0);
  assert.equal(sys.ofdSetLock(b, F_RDLCK, 0, 0), 0);
  assert.equal(sys.ofdSetLock(a, F_WRLCK, 0, 0), -EAGAIN);
  assert.equal(sys.ofdSetLock(b, F_WRLCK, 0, 1), -EBADF);
});

test('a range at the far end of 64 bits', (t) => {
  const s = scratch(t);
  const a = s.open('f', O_RDWR | O_CREAT);
  const b = s.open('f', O_RDWR);
  const out: LockInfo = { type: 0, start: 0, len: 0, pid: 0 };
  assert.equal(sys.ofdSetLock(a, F_WRLCK, 2n ** 62n, 5), 0);
  assert.equal(sys.ofdGetLock(b, F_WRLCK, 2n ** 62n, 1n, out), 0);
  assert.equal(out.start, 2n ** 62n);
  assert.equal(out.len, 5);
});
