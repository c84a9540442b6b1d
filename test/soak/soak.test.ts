// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type Sample } from './flat.ts';

const sample = (at: number, change: Partial<Sample>): Sample => ({
  at,
  mountMB: 60,
  serverMB: 50,
  mountFds: 30,
  serverFds: 100,
  p50: 0.1,
  p99: 2,
  rounds: 100,
  ...change,
});

test('what stays is flat; what grows by a little every minute is not', () => {
  const made = (change: (i: number) => Partial<Sample>): string[] =>
    judge(Array.from({ length: 240 }, (_, i) => sample(i * 5, change(i))))
      .filter((v) => !v.flat)
      .map((v) => v.what);
  assert.deepEqual(
    made((i) => ({ mountMB: 60 + (i % 7), p99: 1 + (i % 3) })),
    [],
  );
  assert.deepEqual(
    made((i) => ({ mountMB: 60 + i / 4 })),
    ['memory of the mount, MiB'],
  );
  assert.deepEqual(
    made((i) => ({ serverFds: 100 + i })),
    ['descriptors of the server'],
  );
  assert.deepEqual(
    made((i) => ({ p99: 1 + i / 2 })),
    ['stat, 99th percentile, ms'],
  );
});
