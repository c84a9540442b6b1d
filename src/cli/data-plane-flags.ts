// SPDX-License-Identifier: MIT

import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode that a function runs before V8 thinks of optimizing it: its own default is 132 KiB. */
const USUAL = 500_000;
const SOON = 4000;

const budget = (bytes: number): void => setFlagsFromString(`--interrupt-budget=${bytes}`);

/**
 * Imported first by the data-plane programs, before their code is compiled. A share or mount is often used for a few hundred operations at a time, and V8's defaults
 * then spend more on the optimizing compiler than the code it makes saves: with these, 300 creates on a fresh server cost about half the CPU. What runs long is still
 * optimized, four times later.
 */
setFlagsFromString('--always-sparkplug');
budget(USUAL);

/** Runs what is the work of the next hours in small, and has V8 optimize it at once. */
export function rehearsing<R>(run: () => R): R {
  budget(SOON);
  try {
    return run();
  } finally {
    budget(USUAL);
  }
}
