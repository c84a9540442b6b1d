// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { O_DIRECT, O_DIRECTORY, O_LARGEFILE, O_NOFOLLOW, O_PATH, O_TMPFILE } from '../base/sys.ts';
import { armOpenFlags, openFlags } from './arch.ts';

// Literal values of arch/arm64/include/uapi/asm/fcntl.h.
test('arm64 numbers four open flags in its own way and leaves the others', () => {
  assert.equal(armOpenFlags(O_DIRECTORY), 0o40000);
  assert.equal(armOpenFlags(O_NOFOLLOW), 0o100000);
  assert.equal(armOpenFlags(O_DIRECT), 0o200000);
  assert.equal(armOpenFlags(O_LARGEFILE), 0o400000);
  assert.equal(armOpenFlags(O_TMPFILE), 0o20000000 | 0o40000);
  assert.equal(armOpenFlags(O_PATH | 2), O_PATH | 2);
});

test('x86-64 and RISC-V take the flags as they are', (t) => {
  if (process.arch === 'arm64') return t.skip('arm64 has its own numbers');
  assert.equal(openFlags(O_DIRECTORY | O_NOFOLLOW), O_DIRECTORY | O_NOFOLLOW);
});
