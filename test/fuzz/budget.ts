// SPDX-License-Identifier: MIT

import type { TestContext } from 'node:test';
import fc, { type IAsyncProperty, type IProperty } from 'fast-check';

/** Milliseconds for each property: NINEFOLD_FUZZ_MS, in CI's slow tier much longer. */
const BUDGET_MS = Number(process.env.NINEFOLD_FUZZ_MS ?? 2000);
/** Another one each day and process, unless NINEFOLD_SEED says which. */
const SEED = Number(process.env.NINEFOLD_SEED ?? (Date.now() ^ process.pid) & 0x7fffffff);

/**
 * Tries a property until the budget is spent, says how often and with which seed, and shrinks what fails.
 * `NINEFOLD_SEED=… npm test -- fuzz` does it again.
 */
export async function fuzz<T>(t: TestContext, property: IProperty<T> | IAsyncProperty<T>): Promise<void> {
  const begin = performance.now();
  let runs = 0;
  const result = await fc.check(property as IAsyncProperty<T>, {
    seed: SEED,
    numRuns: 100_000_000,
    interruptAfterTimeLimit: BUDGET_MS,
    markInterruptAsFailure: false,
    maxSkipsPerRun: 1000,
  });
  runs = result.numRuns;
  t.diagnostic(`${runs} tries in ${Math.round(performance.now() - begin)} ms, seed ${SEED} (NINEFOLD_SEED)`);
  if (result.failed) throw new Error(fc.defaultReportMessage(result) ?? 'failed');
}
