// SPDX-License-Identifier: MIT
// The files of open-files.test.ts: what each is called, holds, and what happens to it while it is open.

/** What happens through the mount, or (`…Behind`) in the shared folder itself. */
const FATES = [
  'unlinked',
  'renamed',
  'replaced',
  'unlinkedBehind',
  'renamedBehind',
  'replacedBehind',
  'left',
  'left',
] as const;
export type Fate = (typeof FATES)[number];

/** By eights, so that files that were made through the mount and others meet each fate. */
export const fate = (i: number): Fate => FATES[Math.floor(i / 2) % FATES.length] as Fate;
export const nameOf = (i: number): string => `held-${i}`;
/** The second is shorter for some and longer for others. */
export const before = (i: number): string => `file ${i} as it was made${'.'.repeat(i % 60)}`;
export const after = (i: number): string =>
  `file ${i}, written while all are open${'.'.repeat((i * 7) % 60)}`;
