// SPDX-License-Identifier: MIT
// The files of walk.test.ts: where each is, what it holds, and what another process does to it. NINEFOLD_TEST_FOLDERS is how many folders of 1,000 there are.

import { mkdirSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** At least one more than there are fates of folders. */
export const FOLDERS = Number(process.env.NINEFOLD_TEST_FOLDERS ?? 100);
export const FILES = 1000;
export const COUNT = FOLDERS * FILES;

/** Every content has as many bytes, so that a wrong one is not noticed by its length. */
export const LENGTH = 48;
const padded = (text: string): string => `${text.padEnd(LENGTH - 1, '.')}\n`;
export const first = (i: number): string => padded(`file ${i} as it was`);
export const second = (i: number): string => padded(`file ${i} as it is now`);

export const folderOf = (i: number): string => `d${Math.floor(i / FILES)}`;
export const nameOf = (i: number): string => `${folderOf(i)}/f${i % FILES}`;

/** What happens to single files, to the first of each twenty (and to the one behind it, when they change places). */
const FATES = ['replaced', 'rewritten', 'remade', 'swapped', 'unlinked', 'moved'] as const;
const EVERY = 20;
/** What happens to whole folders, the last of all. */
const FOLDER_FATES = [
  'swappedFolder',
  'swappedFolder',
  'replacedFolder',
  'movedFolder',
  'remadeFolder',
] as const;
export type Fate = (typeof FATES)[number] | (typeof FOLDER_FATES)[number] | 'left';

const firstFated = FOLDERS - FOLDER_FATES.length;

export function fate(i: number): Fate {
  const folder = Math.floor(i / FILES);
  if (folder >= firstFated) return FOLDER_FATES[folder - firstFated] as Fate;
  const group = Math.floor(i / EVERY);
  const what = FATES[group % FATES.length] as Fate;
  if (i % EVERY === 0) return what;
  return i % EVERY === 1 && what === 'swapped' ? what : 'left';
}

/** Of files or folders that change places: the other. */
function other(i: number): number {
  if (fate(i) === 'swapped') return i % EVERY === 0 ? i + 1 : i - 1;
  return Math.floor(i / FILES) === firstFated ? i + FILES : i - FILES;
}

/** What stands under a file's name in the end; undefined: nothing. */
export function settled(i: number): string | undefined {
  switch (fate(i)) {
    case 'left':
      return first(i);
    case 'unlinked':
    case 'moved':
    case 'movedFolder':
      return undefined;
    case 'swapped':
    case 'swappedFolder':
      return first(other(i));
    default:
      return second(i);
  }
}

/** What may be seen under the name while it happens, beside what was and what will be: nothing, or a file that has no bytes yet. */
export function passing(i: number): readonly (string | undefined)[] {
  const what = fate(i);
  if (what === 'rewritten' || what === 'remade' || what === 'remadeFolder') return ['', undefined];
  return what === 'left' || what === 'replaced' ? [] : [undefined];
}

export function makeTree(top: string): void {
  for (let d = 0; d < FOLDERS; d++) mkdirSync(join(top, `d${d}`));
  for (let i = 0; i < COUNT; i++) writeFileSync(join(top, nameOf(i)), first(i));
}

/**
 * Does to the tree all that `fate` says. Returns how many of the new files have the inode number of the very file that they stand for: some file systems give
 * out the number that became free last, or the lowest, which is why these come first.
 */
export function disturbTree(top: string): number {
  let again = 0;
  for (let i = 0; i < firstFated * FILES; i++)
    if (fate(i) === 'remade') again += remake(join(top, nameOf(i)), i);
  for (let i = 0; i < firstFated * FILES; i++) disturbFile(top, i);
  const folder = (k: number, more = ''): string => join(top, `d${firstFated + k}${more}`);
  exchange(folder(0), folder(1), join(top, 'away'));
  const fill = (k: number, dir: string): void => {
    mkdirSync(dir);
    for (let f = 0; f < FILES; f++) writeFileSync(join(dir, `f${f}`), second((firstFated + k) * FILES + f));
  };
  fill(2, folder(2, '-new'));
  renameSync(folder(2), folder(2, '-old'));
  renameSync(folder(2, '-new'), folder(2));
  renameSync(folder(3), folder(3, '-moved'));
  rmSync(folder(4), { recursive: true });
  fill(4, folder(4));
  return again;
}

function remake(path: string, i: number): 0 | 1 {
  const { ino } = statSync(path);
  unlinkSync(path);
  writeFileSync(path, second(i));
  return statSync(path).ino === ino ? 1 : 0;
}

function disturbFile(top: string, i: number): void {
  const path = join(top, nameOf(i));
  switch (fate(i)) {
    case 'replaced':
      writeFileSync(`${path}-new`, second(i));
      renameSync(`${path}-new`, path);
      return;
    case 'rewritten':
      writeFileSync(path, second(i));
      return;
    case 'swapped':
      if (i % EVERY === 0) exchange(path, join(top, nameOf(i + 1)), `${path}-away`);
      return;
    case 'unlinked':
      unlinkSync(path);
      return;
    case 'moved':
      renameSync(path, `${path}-moved`);
      return;
  }
}

function exchange(a: string, b: string, away: string): void {
  renameSync(a, away);
  renameSync(b, a);
  renameSync(away, b);
}
