// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { test } from 'node:test';
import { pipe, setNonblocking } from '../linux/descriptors.ts';
import { openSys } from '../linux/index.ts';
import { socketpair } from '../linux/net.ts';
import { EAGAIN, EPIPE } from './errno.ts';
import { StreamFd } from './stream-fd.ts';
import type { Sys } from './sys.ts';

/** The system's calls, and which of those that move bytes were made. */
function counted(): { sys: Sys; calls: string[] } {
  const real = openSys();
  const calls: string[] = [];
  const told =
    <A extends unknown[], R>(name: string, fn: (...args: A) => R) =>
    (...args: A): R => {
      calls.push(name);
      return fn(...args);
    };
  return {
    sys: {
      ...real,
      read: told('read', real.read),
      write: told('write', real.write),
      recv: told('recv', real.recv),
      send: told('send', real.send),
    },
    calls,
  };
}

for (const [what, make, expected] of [
  ['a socket is used as one', socketpair, ['recv', 'send', 'recv', 'send', 'recv', 'recv', 'send']],
  // The first call of either end finds out, once.
  [
    'a pipe is read and written',
    pipe,
    ['recv', 'read', 'send', 'write', 'read', 'write', 'read', 'read', 'write'],
  ],
] as const)
  test(`${what}, to its end`, () => {
    const { sys, calls } = counted();
    const ends: [number, number] = [-1, -1];
    assert.equal(make(ends), 0);
    for (const end of ends) assert.equal(setNonblocking(end, true), 0);
    const [from, to] = [new StreamFd(sys, ends[0]), new StreamFd(sys, ends[1])];
    const mem = sys.alloc(32);
    assert.equal(from.read(mem, 0, 8), -EAGAIN);
    for (const text of ['one', 'two']) {
      mem.cstring(text);
      assert.equal(to.write(mem, 0, 3), 3);
      assert.equal(from.read(mem, 8, 8), 3);
      assert.equal(Buffer.from(mem.u8.subarray(8, 11)).toString(), text);
    }
    if (what.startsWith('a socket')) {
      closeSync(ends[1]);
      assert.equal(from.read(mem, 0, 8), 0);
      assert.equal(from.write(mem, 0, 8), -EPIPE);
      closeSync(ends[0]);
    } else {
      assert.equal(from.read(mem, 0, 8), -EAGAIN);
      closeSync(ends[0]);
      assert.equal(to.write(mem, 0, 8), -EPIPE);
      closeSync(ends[1]);
    }
    assert.deepEqual(calls, expected);
  });
