// SPDX-License-Identifier: MIT

/** A receiver's options where a test looks at something else: all modes, no limits, nobody whose end it watches. */
export const LIMITLESS = {
  modeMask: 0o777,
  maxBytes: Number.POSITIVE_INFINITY,
  maxItems: Number.POSITIVE_INFINITY,
  keepFree: 0,
  spacePatienceMs: 0,
  idleMs: 0,
  aliveFd: -1,
} as const;
