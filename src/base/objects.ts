// SPDX-License-Identifier: MIT

/**
 * An empty array that objects will be put into. V8 takes an empty one to be for small integers until the first object comes, and throws code that has been optimized for arrays of objects away when
 * it meets one of those: once for each engine, at the first request of its kind.
 */
export function objects<T extends object>(): T[] {
  const list: (T | undefined)[] = [undefined];
  list.pop();
  return list as T[];
}
