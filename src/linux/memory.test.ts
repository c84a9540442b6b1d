// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sys } from '../../test/helpers/linux.ts';
import { koffi } from './libc.ts';
import { alloc, at, getOff, procFd, putOff } from './memory.ts';

test('a block is zero, page-aligned from a page on, and its address is where the bytes are', () => {
  for (const size of [1, 8, 64, 4095, 4096, 70_000]) {
    const mem = alloc(size);
    assert.equal(mem.size, size);
    assert.ok(mem.u8.every((b) => b === 0));
    if (size >= 4096) assert.equal(mem.address % 4096, 0);
    mem.u8[size - 1] = 0xa5;
    assert.equal(koffi.decode(BigInt(mem.address + size - 1), 'uint8_t'), 0xa5);
  }
});

test('a path that fills its block is still terminated', () => {
  const mem = alloc(4);
  mem.u8.set(Buffer.from('/tmp'));
  assert.equal(koffi.decode.string(BigInt(mem.address)), '/tmp');
});

test('nothing outside of a block is ever passed on', () => {
  const mem = alloc(16);
  assert.equal(at(mem, 4, 12), mem.address + 4);
  for (const [off, len] of [
    [-1, 4],
    [0, 17],
    [16, 1],
    [4, -1],
    [Number.NaN, 1],
    [0, Number.NaN],
    [0, Infinity],
  ] as const) {
    assert.throws(() => at(mem, off, len), RangeError);
    assert.throws(() => sys.read(0, mem, off, len), RangeError);
  }
});

test('64-bit integers keep every bit', () => {
  const mem = alloc(8);
  for (const v of [0, 1, -1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1, 4294967295]) {
    putOff(mem, 0, v);
    assert.equal(mem.dv.getBigInt64(0, true), BigInt(v));
    assert.equal(getOff(mem, 0), v);
  }
  for (const v of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n]) {
    putOff(mem, 0, v);
    assert.equal(getOff(mem, 0), v);
  }
});

test('the name of a descriptor below /proc', () => {
  for (const fd of [0, 7, 9, 10, 99, 100, 1023, 123_456, 2 ** 31 - 1, -1]) {
    const got = koffi.decode.string(BigInt(procFd(fd)));
    assert.equal(got, fd < 0 ? '/proc/self/fd/-' : `/proc/self/fd/${fd}`);
  }
});
