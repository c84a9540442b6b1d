// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WarmUp } from './warm-up.ts';

/** A piece of work of one millisecond. */
function busy(): boolean {
  for (const since = performance.now(); performance.now() - since < 1; );
  return true;
}

const settled = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 200));
};

test('it goes on in idle moments alone, in one line of slices, and ends by itself', async () => {
  const asked = { times: 0, inARow: 0, most: 0 };
  let rounds = 0;
  let ended = 0;
  const warmUp = new WarmUp({
    play: (round) => {
      assert.equal(round, rounds++);
      return busy();
    },
    totalMs: 60,
    withinMs: 60_000,
    end: () => ended++,
  });
  warmUp.untilIdle = () => {
    asked.times++;
    asked.most = Math.max(asked.most, ++asked.inARow);
    setImmediate(() => {
      asked.inARow = 0;
    });
    // As on a crowded machine: when Node looks at its timers again, the next one is due.
    process.nextTick(() => {
      for (const since = performance.now(); performance.now() - since < 3; );
    });
    return asked.times > 2 ? 0 : 5;
  };
  for (let i = 0; i < 5; i++) warmUp.start();
  const began = performance.now();
  while (ended === 0 && performance.now() - began < 60_000) await settled();
  assert.equal(ended, 1);
  // 60 ms in slices of 4 ms and more, and the two that were refused.
  assert.ok(asked.times > 2 && asked.times <= 20, `${asked.times} slices`);
  assert.equal(asked.most, 1, 'others have their turn after each slice');
  const { times } = asked;
  warmUp.start();
  await settled();
  assert.equal(asked.times, times, 'it has had its time');
  assert.equal(warmUp.step(), false);
});

test('it stops when told, when its work cannot go on, and when it is late', async () => {
  let ended = 0;
  let looked = 0;
  const made = (play: () => boolean, withinMs = 60_000): WarmUp => {
    const warmUp = new WarmUp({ play, totalMs: 60_000, withinMs, end: () => ended++ });
    warmUp.untilIdle = () => (++looked > 0 ? 0 : 1);
    return warmUp;
  };
  const told = made(busy);
  told.start();
  told.stop();
  told.stop();
  told.start();
  await settled();
  assert.deepEqual([ended, looked], [1, 0]);
  assert.equal(made(() => false).step(), false);
  assert.equal(ended, 2);
  const late = made(busy, 50);
  late.start();
  const began = performance.now();
  while (ended < 3 && performance.now() - began < 60_000) await settled();
  assert.equal(ended, 3);
});

test('while others are served it looks no more often than it was told', async () => {
  let looked = 0;
  let played = 0;
  let idle = false;
  const warmUp = new WarmUp({ play: () => ++played < 0, totalMs: 1000, withinMs: 60_000, end: () => {} });
  warmUp.untilIdle = () => {
    looked++;
    return idle ? 0 : 50;
  };
  const began = performance.now();
  warmUp.start();
  await settled();
  // The first after a millisecond.
  const most = 2 + (performance.now() - began) / 50;
  assert.ok(looked >= 1 && looked <= most, `${looked} looks`);
  assert.equal(played, 0);
  idle = true;
  while (played === 0 && performance.now() - began < 60_000) await settled();
  assert.equal(played, 1);
});

test('slices run in whatever is put around them', () => {
  const seen: string[] = [];
  const warmUp = new WarmUp({
    play: () => {
      seen.push('play');
      return false;
    },
    totalMs: 1000,
    withinMs: 1000,
    end: () => seen.push('end'),
    around: (slice) => {
      seen.push('before');
      slice();
      seen.push('after');
    },
  });
  warmUp.step();
  assert.deepEqual(seen, ['before', 'play', 'after', 'end']);
});
