// SPDX-License-Identifier: MIT

/** An integer from 0 to `n` − 1. */
export type Random = (n: number) => number;

/** The same numbers for the same seed (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  };
}

/** A seed from the environment (NINEFOLD_SEED), else one of this moment. */
export function seedOf(): number {
  const given = process.env.NINEFOLD_SEED;
  return given === undefined ? (Date.now() ^ (process.pid << 8)) & 0x7fffffff : Number(given);
}
