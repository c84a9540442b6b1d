// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { because, EXIT, NinefoldError, printable } from './error.ts';

test('an error says what failed, on what, why and what to do, in one line', () => {
  const e = new NinefoldError({
    code: 'X',
    exit: EXIT.usage,
    what: 'cannot share',
    on: '/x',
    why: because(-2),
    remedy: 'name a folder that exists',
  });
  assert.equal(e.message, 'cannot share /x: no such file or folder (ENOENT); name a folder that exists');
});

test('printable escapes what could deceive a reader', () => {
  assert.equal(printable('a\nb\u202ec\u200b\x1b[31m'), 'a\\x0ab\\u202ec\\u200b\\x1b[31m');
  assert.equal(printable('naïve 日本'), 'naïve 日本');
});
