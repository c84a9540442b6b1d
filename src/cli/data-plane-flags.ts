// SPDX-License-Identifier: MIT

import { setFlagsFromString } from 'node:v8';

/**
 * When V8 optimizes a function. Until V8 11 (Node 20), after so many bytes of its bytecode have run, 132 KiB by default; and those of at most 81 bytes the first time that it thinks of it.
 */
const BYTES = {
  usual: ['--interrupt-budget=250000', '--max-bytecode-size-for-early-opt=0'],
  soon: ['--interrupt-budget=4000', '--max-bytecode-size-for-early-opt=81'],
} as const;
/** Since V8 12 (Node 22), after so many calls, 3,000 by default, and 400 for its quicker compiler (Node 24 has it on). */
const CALLS = {
  usual: ['--invocation-count-for-turbofan=3000', '--invocation-count-for-maglev=400'],
  soon: ['--invocation-count-for-turbofan=200', '--invocation-count-for-maglev=50'],
} as const;
const FLAGS = Number.parseInt(process.versions.v8, 10) >= 12 ? CALLS : BYTES;

function optimize(when: keyof typeof FLAGS): void {
  for (const flag of FLAGS[when]) setFlagsFromString(flag);
}

/**
 * Imported first by the data-plane programs, before their code is compiled. A share or mount is often used for a few hundred operations at a time, and V8's defaults
 * then spend more on the optimizing compiler than the code it makes saves: 300 creates on a server that has just started take 20 ms of CPU with its own budget, and 18 with this one (medians of nine in turn). What runs long is still
 * optimized, twice later, and small functions no sooner than others: after a rehearsal each that had not come to its end there would be, at the first real requests (300 creates: 31 ms for 20).
 */
setFlagsFromString('--always-sparkplug');
optimize('usual');

/** Runs what is the work of the next hours in small, and has V8 optimize it at once. */
export function rehearsing<R>(run: () => R): R {
  optimize('soon');
  try {
    return run();
  } finally {
    optimize('usual');
  }
}
