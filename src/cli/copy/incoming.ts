// SPDX-License-Identifier: MIT

import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from '../../base/sys.ts';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** The account of a user id, or of a name, from passwd(5). Throws NinefoldError INCOMING_FAILED (exit 66) if there is none. */
export function accountOf(who: number | string, passwd = readFileSync('/etc/passwd', 'utf8')): Account {
  for (const line of passwd.split('\n')) {
    const [name = '', , id = '', gid, , home = ''] = line.split(':');
    if (/^[0-9]+$/.test(id) && (who === name || who === Number(id)))
      return { name, uid: Number(id), gid: Number(gid), home };
  }
  const of = typeof who === 'number' ? `user id ${who}` : `the user ${printable(who)}`;
  throw failed(of, 'there is no such account', 'name one of /etc/passwd');
}

/**
 * Opens the folder that a transfer goes into: `dir`, or QubesIncoming/SOURCE in the account's home, made if it is not there (mode 0700). `source`: who sends
 * (QREXEC_REMOTE_DOMAIN). Throws NinefoldError INCOMING_FAILED (exit 66, 77).
 */
export function openIncoming(home: string, dir: string | undefined, source: string | undefined): number {
  const path = dir ?? join(home, 'QubesIncoming', sourceName(source));
  if (dir === undefined)
    for (const folder of [join(home, 'QubesIncoming'), path]) {
      try {
        mkdirSync(folder, { mode: 0o700 });
      } catch {
        // There already, or the opening will tell.
      }
    }
  try {
    return openSync(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  } catch (error) {
    throw failed(
      printable(path),
      because((error as NodeJS.ErrnoException).errno ?? 5),
      'make it a folder that you may write to',
    );
  }
}

/** A qube's name becomes one component of a path. Its form is the original's: at most 31 of `[A-Za-z0-9_.-]`, a letter first. */
function sourceName(source: string | undefined): string {
  if (source !== undefined && /^[A-Za-z][A-Za-z0-9_.-]{0,30}$/.test(source)) return source;
  throw failed(
    'QubesIncoming',
    source === undefined || source === ''
      ? 'QREXEC_REMOTE_DOMAIN does not say who sends'
      : `"${printable(source)}" is no qube's name`,
    'name the folder on the command line',
  );
}

function failed(on: string, why: string, remedy: string): NinefoldError {
  return new NinefoldError({
    code: 'INCOMING_FAILED',
    exit: EXIT.noInput,
    what: 'cannot receive into',
    on,
    why,
    remedy,
  });
}
