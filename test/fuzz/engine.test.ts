// SPDX-License-Identifier: MIT
// FUSE requests and 9P replies of any content against the mount's engine.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, seedOf } from '../helpers/random.ts';
import { CASES, spend } from './budget.ts';
import { FakeKernel } from './fake-kernel.ts';

/** Steps of one life of a mount. */
const LIFE = 1000;
const MEMORY_MB = 700;

test('requests and replies of any content: each request is answered once, and nothing breaks', async (t) => {
  const seed = seedOf();
  let steps = 0;
  let lives = 0;
  let ended = 0;
  let answered = 0;
  let slowest = 0;
  await spend(
    () => steps < CASES,
    () => {
      const mine = (seed + lives) & 0x7fffffff;
      const kernel = new FakeKernel(createRandom(mine));
      lives++;
      try {
        let alive = true;
        for (let i = 0; i < LIFE && alive; i++) {
          const begin = performance.now();
          alive = kernel.step();
          slowest = Math.max(slowest, performance.now() - begin);
          steps++;
        }
        if (!alive) ended++;
        kernel.end();
      } catch (error) {
        throw new Error(`NINEFOLD_SEED=${mine}: ${error instanceof Error ? error.stack : error}`);
      }
      answered += kernel.answered;
    },
  );
  const memory = process.memoryUsage();
  const megabytes = Math.round((memory.heapUsed + memory.external) / 1e6);
  t.diagnostic(
    `${steps} cases, NINEFOLD_SEED=${seed}: ${lives} mounts, ${ended} ended by a breach, ${answered} answers, slowest step ${slowest.toFixed(1)} ms, ${megabytes} MB`,
  );
  assert.ok(answered > steps / 20, 'requests were answered');
  assert.ok(ended > 0, 'some broke the protocol');
  assert.ok(slowest < 2000, `a step took ${slowest} ms`);
  assert.ok(megabytes < MEMORY_MB, `${megabytes} MB`);
});
