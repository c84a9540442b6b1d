// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Outcome } from './run.ts';

/** Shows the outcomes under node:test, one subtest for each group of cases; what cannot be carried is listed, not hidden. */
export async function asTests(t: TestContext, outcomes: readonly Outcome[]): Promise<void> {
  const groups = new Map<string, Outcome[]>();
  for (const o of outcomes) {
    const group = o.name.slice(0, o.name.indexOf(':'));
    groups.set(group, [...(groups.get(group) ?? []), o]);
  }
  for (const [group, some] of groups) {
    const passed = some.filter((o) => o.status === 'passed').length;
    await t.test(`${group}: ${passed} of ${some.length}`, (t) => {
      for (const o of some) if (o.status === 'cannot') t.diagnostic(`cannot be carried: ${o.name}: ${o.why}`);
      assert.deepEqual(
        some.filter((o) => o.status === 'failed').map((o) => `${o.name}: ${o.why}`),
        [],
      );
    });
  }
}
