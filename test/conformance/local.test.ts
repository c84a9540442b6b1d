// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asTests } from './report.ts';
import { runCases } from './run.ts';
import { openTarget } from './targets.ts';

// The oracle: a case that fails here expects something that Linux does not do.
test('a local folder passes the conformance cases', async (t) => {
  const target = await openTarget('local', false);
  t.after(() => target.close());
  const outcomes = await runCases({ dir: target.dir, caps: target.caps, second: target.second });
  assert.ok(outcomes.length >= 500);
  await asTests(t, outcomes);
});
