// SPDX-License-Identifier: MIT

import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode that a function runs before V8 thinks of optimizing it: its own default is 132 KiB. */
const USUAL = 250_000;
const SOON = 4000;
/** A function of so many bytes of bytecode, or fewer, is optimized the first time that V8 thinks of it: its own default. */
const SMALL = 81;

function optimize(after: number, small: number): void {
  setFlagsFromString(`--interrupt-budget=${after}`);
  setFlagsFromString(`--max-bytecode-size-for-early-opt=${small}`);
}
const usual = (): void => optimize(USUAL, 0);

/**
 * Imported first by the data-plane programs, before their code is compiled. A share or mount is often used for a few hundred operations at a time, and V8's defaults
 * then spend more on the optimizing compiler than the code it makes saves: 300 creates on a server that has just started take 20 ms of CPU with its own budget, and 18 with this one (medians of nine in turn). What runs long is still
 * optimized, twice later, and small functions no sooner than others: after a rehearsal each that had not come to its end there would be, at the first real requests (300 creates: 31 ms for 20).
 */
setFlagsFromString('--always-sparkplug');
usual();

/** Runs what is the work of the next hours in small, and has V8 optimize it at once. */
export function rehearsing<R>(run: () => R): R {
  optimize(SOON, SMALL);
  try {
    return run();
  } finally {
    usual();
  }
}
