// SPDX-License-Identifier: MIT

import { openSync } from 'node:fs';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { because, EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';
import { O_CLOEXEC, O_DIRECTORY, O_PATH } from '../../base/sys.ts';
import { PATIENCE_MS, within } from '../patience.ts';

/**
 * Checks the folder to share and returns its real absolute path. Throws NinefoldError: SHARE_MISSING, SHARE_NOT_FOLDER (exit 66),
 * SHARE_UNREADABLE (77), SHARE_DEAD (66: its file system answers with an error, or not at all within 10 s).
 */
export async function checkShare(path: string): Promise<string> {
  if (path === '' || path.includes('\0'))
    throw refuse(path, 'SHARE_MISSING', EXIT.noInput, 'that is no path', 'name a folder');
  return within(look(path), () => refuse(path, 'SHARE_DEAD', EXIT.noInput, SILENT, MEND));
}

const SILENT = `its file system gave no answer for ${PATIENCE_MS / 1000} s`;
const MEND = 'mount it again, or share another folder';

async function look(path: string): Promise<string> {
  try {
    const real = await realpath(path);
    const found = await stat(real);
    if (!found.isDirectory())
      throw refuse(
        path,
        'SHARE_NOT_FOLDER',
        EXIT.noInput,
        'it is not a folder',
        'name the folder that it is in',
      );
    await access(real, constants.R_OK | constants.X_OK);
    return real;
  } catch (error) {
    if (error instanceof NinefoldError) throw error;
    throw explain(path, error);
  }
}

function explain(path: string, error: unknown): NinefoldError {
  const errno = Math.abs((error as NodeJS.ErrnoException).errno ?? 5);
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return refuse(path, 'SHARE_MISSING', EXIT.noInput, because(errno), 'name a folder that exists', error);
    case 'ENOTDIR':
      return refuse(
        path,
        'SHARE_NOT_FOLDER',
        EXIT.noInput,
        'a part of the path is not a folder',
        'check the path',
        error,
      );
    case 'EACCES':
    case 'EPERM':
      return refuse(
        path,
        'SHARE_UNREADABLE',
        EXIT.noPermission,
        because(errno),
        'share a folder that you may read and enter',
        error,
      );
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return refuse(path, 'SHARE_MISSING', EXIT.noInput, because(errno), 'check the path', error);
    default:
      // ENOTCONN: a FUSE mount whose program is gone; ESTALE: NFS; EIO: a disk.
      return refuse(path, 'SHARE_DEAD', EXIT.noInput, `its file system says: ${because(errno)}`, MEND, error);
  }
}

function refuse(
  path: string,
  code: string,
  exit: ExitCode,
  why: string,
  remedy: string,
  cause?: unknown,
): NinefoldError {
  return new NinefoldError({
    code,
    exit,
    what: 'cannot share',
    on: path === '' ? 'a path that is empty' : printable(path),
    why,
    remedy,
    cause,
  });
}

/** The folder itself (O_PATH), whatever its name will stand for later; the caller closes it. Throws NinefoldError SHARE_MISSING (exit 66). */
export function openShare(folder: string): number {
  try {
    return openSync(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  } catch (error) {
    throw explain(folder, error);
  }
}
