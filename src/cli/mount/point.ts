// SPDX-License-Identifier: MIT

import { access, constants, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { because, EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';
import { PATIENCE_MS, within } from '../patience.ts';
import { mountAt, readMounts } from './mountinfo.ts';
import { inWorkingFolder } from './working-folder.ts';

/** Both ways in which the kernel names a mount of ours: by mount(2) and by fusermount3 alike. */
export const FSTYPE = 'fuse.ninefold';

/** What a path was given for: the words of a message about it. */
export interface Purpose {
  readonly what: string;
  readonly missing: string;
  readonly dead: string;
  readonly notOurs: string;
}

const TO_MOUNT: Purpose = {
  what: 'cannot mount on',
  missing: 'make the folder first',
  dead: 'choose another folder',
  notOurs: 'choose a folder of your own, or mount as root',
};
const SEE_LIST = 'see "ninefold list"';
export const TO_UNMOUNT: Purpose = {
  what: 'cannot unmount',
  missing: SEE_LIST,
  dead: SEE_LIST,
  notOurs: 'unmount it as the user who mounted it, or as root',
};
export const TO_CHANGE: Purpose = { ...TO_UNMOUNT, what: 'cannot change the mount' };

export interface MountPoint {
  /** Absolute, without symbolic links. */
  path: string;
  /** What hides there while the mount is up deserves a note. */
  empty: boolean;
}

/**
 * Checks a mount point before anything is started. Throws NinefoldError MOUNTPOINT_MISSING, MOUNTPOINT_NOT_FOLDER, MOUNTPOINT_DEAD,
 * MOUNTPOINT_BUSY (exit 66) or MOUNTPOINT_NOT_OURS (77).
 */
export function checkMountPoint(given: string): Promise<MountPoint> {
  return within(look(given), () => silent(given, TO_MOUNT));
}

async function look(given: string): Promise<MountPoint> {
  const path = await canonical(given);
  const there = mountAt(readMounts(), path);
  try {
    if (there?.fstype === FSTYPE)
      throw refuse(
        given,
        'MOUNTPOINT_BUSY',
        EXIT.noInput,
        `${printable(there.source)} is mounted there already`,
        `run "ninefold unmount ${printable(given)}" first, or choose another folder`,
        TO_MOUNT,
      );
    const found = await stat(path);
    if (!found.isDirectory())
      throw refuse(
        given,
        'MOUNTPOINT_NOT_FOLDER',
        EXIT.noInput,
        'it is not a folder',
        'make a folder for it',
        TO_MOUNT,
      );
    const uid = process.geteuid?.() ?? 0;
    // fusermount3 asks the same (a folder that the user may write, not a shared one with the sticky bit), but says only "permission".
    if (uid !== 0) {
      const sticky = (found.mode & 0o1000) !== 0 && found.uid !== uid;
      if (sticky) throw notOurs(given, 'it is a folder that all users share', TO_MOUNT);
      await access(path, constants.W_OK | constants.X_OK);
    }
    return { path, empty: (await readdir(path)).length === 0 };
  } catch (error) {
    if (error instanceof NinefoldError) throw error;
    throw explain(given, error, there !== undefined, TO_MOUNT);
  }
}

/**
 * The absolute path of a mount point without looking at the mount itself, which may be dead: only the folders above it are resolved.
 */
export async function canonical(given: string, purpose: Purpose = TO_MOUNT): Promise<string> {
  if (given === '' || given.includes('\0'))
    throw refuse(given, 'MOUNTPOINT_MISSING', EXIT.noInput, 'that is no path', 'name a folder', purpose);
  const absolute = inWorkingFolder(given);
  if (absolute === '/') return absolute;
  try {
    const path = join(
      await within(realpath(dirname(absolute)), () => silent(given, purpose)),
      basename(absolute),
    );
    // A symbolic link to the mount point: follow it, unless something is mounted right there.
    if (mountAt(readMounts(), path) !== undefined) return path;
    return await realpath(path);
  } catch (error) {
    if (error instanceof NinefoldError) throw error;
    throw explain(given, error, false, purpose);
  }
}

function explain(given: string, error: unknown, mounted: boolean, purpose: Purpose): NinefoldError {
  const { code, errno } = error as NodeJS.ErrnoException;
  const why = because(errno ?? 5);
  if (code === 'ENOENT')
    return refuse(given, 'MOUNTPOINT_MISSING', EXIT.noInput, why, purpose.missing, purpose, error);
  if (code === 'ENOTDIR')
    return refuse(
      given,
      'MOUNTPOINT_NOT_FOLDER',
      EXIT.noInput,
      'a part of the path is not a folder',
      'check the path',
      purpose,
      error,
    );
  if (code === 'EACCES' || code === 'EPERM') return notOurs(given, why, purpose, error);
  const remedy = mounted ? `unmount what is there (umount -l ${printable(given)})` : purpose.dead;
  return refuse(given, 'MOUNTPOINT_DEAD', EXIT.noInput, why, remedy, purpose, error);
}

function silent(given: string, purpose: Purpose): NinefoldError {
  const why = `its file system gave no answer for ${PATIENCE_MS / 1000} s`;
  return refuse(given, 'MOUNTPOINT_DEAD', EXIT.noInput, why, purpose.dead, purpose);
}

function notOurs(given: string, why: string, purpose: Purpose, cause?: unknown): NinefoldError {
  return refuse(given, 'MOUNTPOINT_NOT_OURS', EXIT.noPermission, why, purpose.notOurs, purpose, cause);
}

function refuse(
  given: string,
  code: string,
  exit: ExitCode,
  why: string,
  remedy: string,
  purpose: Purpose,
  cause?: unknown,
): NinefoldError {
  const on = given === '' ? 'a path that is empty' : printable(given);
  return new NinefoldError({ code, exit, what: purpose.what, on, why, remedy, cause });
}
