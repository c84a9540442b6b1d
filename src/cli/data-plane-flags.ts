// SPDX-License-Identifier: MIT

import { setFlagsFromString } from 'node:v8';

/**
 * Imported first by the data-plane programs, before their code is compiled. A share or mount is often used for a few hundred operations at a time, and V8's defaults
 * then spend more on the optimizing compiler than the code it makes saves: with these, 300 creates on a fresh server cost about half the CPU. What runs long is still
 * optimized, four times later.
 */
setFlagsFromString('--always-sparkplug');
setFlagsFromString('--interrupt-budget=500000');
