// SPDX-License-Identifier: MIT

/**
 * The shortest list found that still fails: pieces are left out, half of the list first, then ever smaller ones (Zeller's ddmin). The last item is what showed the
 * failure and stays. Ends early once `goOn` says no.
 */
export async function shrink<T>(
  items: readonly T[],
  fails: (some: readonly T[]) => Promise<boolean>,
  goOn: () => boolean,
): Promise<readonly T[]> {
  let rest = items.slice(0, -1);
  const last = items.slice(-1);
  for (let size = Math.ceil(rest.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = rest.length - size; at > -size; at -= size) {
      if (!goOn()) return [...rest, ...last];
      const from = Math.max(at, 0);
      const without = [...rest.slice(0, from), ...rest.slice(at + size)];
      if (without.length < rest.length && (await fails([...without, ...last]))) rest = without;
    }
  }
  return [...rest, ...last];
}
