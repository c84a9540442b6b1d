// SPDX-License-Identifier: MIT
// The server, the mount and the channel between them, ended at any moment.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seedOf } from '../helpers/random.ts';
import { needsMount } from '../scale/ground.ts';
import { besideAnother } from './bystander.ts';
import { GONE, type KillReport, killOnce, type Victim } from './kills.ts';

/** Of each kind; the long tier does more. */
const TRIALS = Number(process.env.NINEFOLD_KILLS ?? 2);

for (const [victim, words] of [
  ['server', 'the server killed'],
  ['mount', 'the mount\u2019s process killed'],
  ['channel', 'the channel cut in the middle of a message'],
] as const satisfies readonly (readonly [Victim, string])[])
  test(`${words}, ${TRIALS} times`, needsMount, async (t) => {
    const report: KillReport = { trials: 0, steps: 0, lost: [], codes: {} };
    const seed = seedOf();
    await besideAnother(async () => {
      for (let i = 0; i < TRIALS; i++) await killOnce(victim, seed + i, report);
    });
    t.diagnostic(`NINEFOLD_SEED=${seed}: ${JSON.stringify(report)}`);
    assert.deepEqual(report.lost, []);
    assert.equal(report.trials, TRIALS);
    assert.ok(report.steps > 0, 'steps were acknowledged');
    assert.deepEqual(
      Object.keys(report.codes).filter((c) => !GONE.includes(c)),
      [],
    );
  });
