// SPDX-License-Identifier: MIT

/** How many times as long as usual everything may take: NINEFOLD_SLOWNESS, for an emulated machine. 1 without it. */
export const SLOWNESS = Math.max(1, Number(process.env.NINEFOLD_SLOWNESS ?? 1) || 1);

/** As many of something as the machine makes in reasonable time: fewer where all is slow. At least 60, which no listing brings in one piece. */
export const many = (n: number): number => (SLOWNESS > 1 ? Math.max(Math.min(n, 60), Math.ceil(n / 6)) : n);
