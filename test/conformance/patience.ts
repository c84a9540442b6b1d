// SPDX-License-Identifier: MIT

/** How many times as long as usual everything may take: NINEFOLD_SLOWNESS, for an emulated machine. 1 without it. */
export const SLOWNESS = Math.max(1, Number(process.env.NINEFOLD_SLOWNESS ?? 1) || 1);
