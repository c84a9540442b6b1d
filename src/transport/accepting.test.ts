// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EAGAIN, ECONNABORTED, EMFILE } from '../base/errno.ts';
import { POLLIN } from '../base/sys.ts';
import { acceptor } from './accepting.ts';

/** A system whose accept(2) gives these, one after the other, and then EAGAIN. */
function accepting(results: number[]) {
  const taken: number[] = [];
  const warned: string[] = [];
  let asked = 0;
  const accept = (): number => {
    asked++;
    return results.shift() ?? -EAGAIN;
  };
  const watch = acceptor(
    { accept },
    { fd: 7, label: 'unix:/a' },
    (fd) => taken.push(fd),
    (line) => warned.push(line),
  );
  return { watch, taken, warned, asked: () => asked };
}

test('all who wait are let in, and one who has gone keeps nobody out', () => {
  const a = accepting([10, -ECONNABORTED, 11]);
  a.watch.turn(POLLIN);
  assert.deepEqual(a.taken, [10, 11]);
  assert.deepEqual(a.warned, []);
  assert.equal(a.watch.events, POLLIN);
});

test('a crowd does not keep the loop to itself', () => {
  const a = accepting(Array.from({ length: 1000 }, (_, i) => 100 + i));
  a.watch.turn(POLLIN);
  assert.ok(a.taken.length < 100);
  assert.equal(a.watch.events, POLLIN);
});

test('without descriptors it rests, says so once, and goes on', async () => {
  const a = accepting([-EMFILE, 10]);
  a.watch.turn(POLLIN);
  assert.equal(a.watch.events, 0, 'poll would wake it again at once');
  assert.equal(a.asked(), 1);
  assert.equal(a.warned.length, 1);
  assert.match(a.warned[0] ?? '', /cannot accept a connection on unix:\/a: .*open files/i);
  for (let i = 0; i < 500 && a.watch.events === 0; i++) await sleep(10);
  a.watch.turn(POLLIN);
  assert.deepEqual(a.taken, [10]);
});
