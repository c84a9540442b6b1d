// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpio } from './cpio.ts';

test('an archive of one file, byte for byte', () => {
  const bytes = cpio([{ name: 'a/b', mode: 0o100644, content: Buffer.from('hello') }]);
  const field = (n: number): string => n.toString(16).padStart(8, '0');
  const head = (ino: number, mode: number, size: number, name: number): string =>
    `070701${[ino, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name, 0].map(field).join('')}`;
  const wanted = [
    `${head(1, 0o100644, 5, 4)}a/b\0\0\0`,
    'hello\0\0\0',
    `${head(0, 0, 0, 11)}TRAILER!!!\0\0\0\0`,
  ];
  assert.equal(bytes.toString('latin1'), wanted.join(''));
});
