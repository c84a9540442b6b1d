// SPDX-License-Identifier: MIT

/** The middle value; the mean of the two middle ones of an even number. Undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  const v = [...values].sort((a, b) => a - b);
  const high = v[v.length >> 1];
  const low = v[(v.length - 1) >> 1];
  return high === undefined || low === undefined ? undefined : (low + high) / 2;
}

/** The least of those that are there. */
export function least(values: readonly (number | undefined)[]): number | undefined {
  const there = values.filter((v) => v !== undefined);
  return there.length === 0 ? undefined : Math.min(...there);
}

/** Undefined of nothing. */
export function greatest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values);
}

/** a/b; undefined when either is missing or b is 0. */
export function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}

/** Deterministic numbers in [0, 1): mulberry32. Not for secrets. */
export function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
