// SPDX-License-Identifier: MIT

import type { TestContext } from 'node:test';
import fc, { type IAsyncProperty, type IProperty } from 'fast-check';

/** Milliseconds for each property: NINEFOLD_FUZZ_MS, in CI's slow tier much longer. */
const BUDGET_MS = Number(process.env.NINEFOLD_FUZZ_MS ?? 2000);
/** Another one each day and process, unless NINEFOLD_SEED says which. */
const SEED = Number(process.env.NINEFOLD_SEED ?? (Date.now() ^ process.pid) & 0x7fffffff);

const BATCH = 20;
/** So many cases of each property, however long it takes (the long tier: a million); without it, as many as fit in the budget. */
const WANTED = process.env.NINEFOLD_FUZZ_CASES;
export const CASES = WANTED === undefined ? Number.POSITIVE_INFINITY : Number(WANTED);
/** Tries at a time, where a million are wanted. */
const LARGE_BATCH = 2000;

/** Calls `work` until the budget is spent, or with NINEFOLD_FUZZ_CASES while `more()` is true. Timers and signals get their turn. */
export async function spend(more: () => boolean, work: () => void | Promise<void>): Promise<void> {
  const begin = performance.now();
  for (let i = 0; more() && (WANTED !== undefined || performance.now() - begin < BUDGET_MS); i++) {
    await work();
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** As `fuzz`, for a decoder: cheap enough that a million are tried where that many are wanted. */
export function fuzzDecoder<T>(t: TestContext, property: IProperty<T>): Promise<void> {
  return tryAll(t, property, WANTED === undefined ? BATCH : LARGE_BATCH, CASES, WANTED === undefined);
}

/**
 * Tries a property, a batch at a time, until the budget is spent, says how often and with which seed, and shrinks what fails.
 * `NINEFOLD_SEED=… npm test -- fuzz` does it again.
 */
export function fuzz<T>(t: TestContext, property: IProperty<T> | IAsyncProperty<T>): Promise<void> {
  return tryAll(t, property, BATCH, Number.POSITIVE_INFINITY, true);
}

async function tryAll<T>(
  t: TestContext,
  property: IProperty<T> | IAsyncProperty<T>,
  batchSize: number,
  cases: number,
  timed: boolean,
): Promise<void> {
  const begin = performance.now();
  let runs = 0;
  // Not fast-check's own time limit: that one leaves the try which it interrupts running beside what follows.
  for (let batch = 0; runs < cases && (!timed || performance.now() - begin < BUDGET_MS); batch++) {
    const seed = (SEED + batch) & 0x7fffffff;
    const result = await fc.check(property as IAsyncProperty<T>, { seed, numRuns: batchSize });
    runs += result.numRuns;
    if (result.failed) throw new Error(`NINEFOLD_SEED=${seed}: ${fc.defaultReportMessage(result)}`);
  }
  t.diagnostic(`${runs} cases in ${Math.round(performance.now() - begin)} ms, NINEFOLD_SEED=${SEED}`);
}
