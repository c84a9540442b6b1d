// SPDX-License-Identifier: MIT

import { basename } from 'node:path';
import { EXIT, NinefoldError, printable } from '../../base/error.ts';
import { MOUNTED, parseSource } from '../../transport/source.ts';
import { checkWanted, parseWanted } from '../folder/obtain.ts';
import { absoluteSource } from '../mount/absolute-source.ts';
import { mountSettings } from '../mount/options.ts';
import { inWorkingFolder } from '../mount/working-folder.ts';
import { usageError } from '../report.ts';
import { followLogin } from './login.ts';
import { changeSaved, NAME, readSaved, type SavedMount } from './saved.ts';

/** A mount to be saved; without a name it gets that of its mount point. */
export type NewMount = Omit<SavedMount, 'name'> & { readonly name?: string };

/** Saves a mount. Throws NinefoldError MOUNTS_NAME (exit 64), those of `ninefold mount` for what it will not take, and those of the file. */
export async function addSaved(wanted: NewMount): Promise<SavedMount> {
  const mountpoint = inWorkingFolder(wanted.mountpoint);
  const name = wanted.name ?? basename(mountpoint);
  if (!NAME.test(name))
    throw usageError(
      'MOUNTS_NAME',
      'cannot save a mount as',
      JSON.stringify(name),
      'a name begins with a letter or digit and has ".", "_" and "-" beside them',
      'give one with --name',
    );
  const place = parseWanted(wanted.source);
  if (place === undefined) parseSource(wanted.source, MOUNTED);
  else checkWanted(place);
  mountSettings([wanted.options], wanted.readOnly, process.geteuid?.() === 0);
  const { readOnly, options, login } = wanted;
  const source = place === undefined ? absoluteSource(wanted.source) : wanted.source;
  const entry: SavedMount = { name, source, mountpoint, readOnly, options, login };
  return changeSaved((mounts) => {
    const taken = mounts.find((m) => m.name === name || m.mountpoint === mountpoint);
    if (taken !== undefined)
      throw usageError(
        'MOUNTS_NAME',
        'cannot save a mount as',
        JSON.stringify(name),
        `${taken.name} is saved for ${printable(taken.mountpoint)}`,
        'choose another name and mount point, or remove that one',
      );
    return kept([...mounts, entry], entry);
  });
}

/** Throws NinefoldError MOUNTS_UNKNOWN (exit 66) and those of the file. */
export const removeSaved = (name: string): Promise<SavedMount> =>
  changeSaved((mounts) => {
    const entry = pick(mounts, name);
    return kept(
      mounts.filter((m) => m !== entry),
      entry,
    );
  });

/** Throws NinefoldError MOUNTS_UNKNOWN (exit 66) and those of the file. */
export const setLogin = (name: string, login: boolean): Promise<SavedMount> =>
  changeSaved((mounts) => {
    const before = pick(mounts, name);
    const entry = { ...before, login };
    return kept(
      mounts.map((m) => (m === before ? entry : m)),
      entry,
    );
  });

/** Throws NinefoldError MOUNTS_UNKNOWN (exit 66), MOUNTS_FILE (78). */
export const findSaved = (name: string): SavedMount => pick(readSaved(), name);

function kept(
  mounts: readonly SavedMount[],
  result: SavedMount,
): { mounts: readonly SavedMount[]; result: SavedMount } {
  // Within the lock, so that the entry always is what the last change says.
  followLogin(mounts);
  return { mounts, result };
}

function pick(mounts: readonly SavedMount[], name: string): SavedMount {
  const found = mounts.find((m) => m.name === name);
  if (found !== undefined) return found;
  throw new NinefoldError({
    code: 'MOUNTS_UNKNOWN',
    exit: EXIT.noInput,
    what: 'there is no saved mount',
    on: JSON.stringify(name),
    why: mounts.length === 0 ? 'none is saved' : `there are ${mounts.map((m) => m.name).join(', ')}`,
    remedy: 'see "ninefold mounts", and save one with "ninefold mounts add"',
  });
}
