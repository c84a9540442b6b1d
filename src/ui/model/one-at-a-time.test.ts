// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { oneAtATime } from './one-at-a-time.ts';

test('a hundred calls at once are two runs, one after the other, and the last call is answered by a run of its own time', async () => {
  let runs = 0;
  let under = 0;
  let most = 0;
  const look = oneAtATime(async () => {
    runs++;
    most = Math.max(most, ++under);
    await sleep(5);
    under--;
  });
  await Promise.all(Array.from({ length: 100 }, () => look()));
  assert.deepEqual([runs, most], [2, 1]);
  const first = look();
  assert.equal(runs, 3, 'at once, where nothing runs');
  await first;
  for (let i = 0; i < 50; i++) {
    void look();
    await sleep(1);
  }
  await look();
  assert.equal(most, 1);
  assert.ok(runs < 30, `${runs} runs`);
});

test('a run that fails does not keep the next from running', async () => {
  let runs = 0;
  const look = oneAtATime(() => {
    runs++;
    return Promise.reject(new Error('no'));
  });
  await look();
  await Promise.all([look(), look()]);
  assert.equal(runs, 3);
});
