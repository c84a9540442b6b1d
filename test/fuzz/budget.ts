// SPDX-License-Identifier: MIT

import type { TestContext } from 'node:test';
import fc, { type IAsyncProperty, type IProperty } from 'fast-check';

/** Milliseconds for each property: NINEFOLD_FUZZ_MS, in CI's slow tier much longer. */
const BUDGET_MS = Number(process.env.NINEFOLD_FUZZ_MS ?? 2000);
/** Another one each day and process, unless NINEFOLD_SEED says which. */
const SEED = Number(process.env.NINEFOLD_SEED ?? (Date.now() ^ process.pid) & 0x7fffffff);

const BATCH = 20;

/**
 * Tries a property, a batch at a time, until the budget is spent, says how often and with which seed, and shrinks what fails.
 * `NINEFOLD_SEED=… npm test -- fuzz` does it again.
 */
export async function fuzz<T>(t: TestContext, property: IProperty<T> | IAsyncProperty<T>): Promise<void> {
  const begin = performance.now();
  let runs = 0;
  // Not fast-check's own time limit: that one leaves the try which it interrupts running beside what follows.
  for (let batch = 0; performance.now() - begin < BUDGET_MS; batch++) {
    const seed = (SEED + batch) & 0x7fffffff;
    const result = await fc.check(property as IAsyncProperty<T>, { seed, numRuns: BATCH });
    runs += result.numRuns;
    if (result.failed) throw new Error(`NINEFOLD_SEED=${seed}: ${fc.defaultReportMessage(result)}`);
  }
  t.diagnostic(`${runs} tries in ${Math.round(performance.now() - begin)} ms, NINEFOLD_SEED=${SEED}`);
}
