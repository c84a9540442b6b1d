// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asTests } from './report.ts';
import { runCases } from './run.ts';
import { noMount, openTarget } from './targets.ts';

test('our mount of our server passes the conformance cases', { skip: noMount() ?? false }, async (t) => {
  const target = await openTarget('mount', false);
  t.after(() => target.close());
  const outcomes = await runCases({ dir: target.dir, caps: target.caps, second: target.second });
  assert.ok(outcomes.length >= 500);
  await asTests(t, outcomes);
});
