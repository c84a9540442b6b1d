// SPDX-License-Identifier: MIT

import { EILSEQ, ENAMETOOLONG } from '../../base/errno.ts';
import { because, EXIT, NinefoldError } from '../../base/error.ts';
import type { Sys } from '../../base/sys.ts';
import { Check, type Complaint } from '../../filecopy/index.ts';
import { escapePath, UNPACKER_RULES } from '../../qfile/index.ts';
import { openArguments, refuseTwins } from './arguments.ts';
import { displayName } from './display.ts';
import { amount, counted } from './progress.ts';
import type { PathArgument } from './raw-paths.ts';

/** Lines of names that are told of; the rest is counted. */
const TOLD = 20;

export interface Preflight {
  readonly bytes: number;
  /** One line: what there is. */
  readonly summary: string;
  /** Names, and targets of links, with characters that only a receiver which allows all names takes. */
  readonly unsafeNames: number;
  /** Links that lead out, and names that are too long. */
  readonly impossible: number;
  /** A line for each of the first of them. */
  readonly lines: readonly string[];
}

/** Looks at everything that would be sent. Throws NinefoldError COPY_ARGUMENT (64, 66) or COPY_UNREADABLE (66). */
export function preflight(
  sys: Sys,
  paths: readonly PathArgument[],
  how: { ignoreSymlinks: boolean; renameUnsafe: boolean },
): Preflight {
  const lines: string[] = [];
  let unsafeNames = 0;
  let impossible = 0;
  const complain = (c: Complaint): void => {
    if (c.error === EILSEQ) unsafeNames++;
    else impossible++;
    if (unsafeNames + impossible <= TOLD) lines.push(`"${displayName(c.path)}": ${words(c)}`);
  };
  const check = new Check({
    sys,
    ignoreSymlinks: how.ignoreSymlinks,
    rules: UNPACKER_RULES,
    ...(how.renameUnsafe ? { rename: escapePath } : {}),
    complain,
  });
  const args = openArguments(sys, paths);
  try {
    refuseTwins(sys, args);
    for (const { parentFd, name } of args) {
      const error = check.argument(parentFd, name);
      if (error !== 0)
        throw new NinefoldError({
          code: 'COPY_UNREADABLE',
          exit: EXIT.noInput,
          what: 'cannot read',
          on: `"${displayName(check.at)}"`,
          why: because(error),
          remedy: 'check the path, or leave it out',
        });
    }
  } finally {
    for (const { parentFd } of args) sys.close(parentFd);
  }
  if (unsafeNames + impossible > TOLD) lines.push(`and ${unsafeNames + impossible - TOLD} more`);
  const { files, folders, links, specials } = check;
  const out =
    specials === 0
      ? ''
      : `; left out: ${counted(specials, 'device, pipe or socket', 'devices, pipes or sockets')}`;
  return {
    bytes: check.bytes,
    summary: `${counted(files, 'file')}, ${counted(folders, 'folder')}, ${counted(links, 'link')}: ${amount(check.bytes)}${out}`,
    unsafeNames,
    impossible,
    lines,
  };
}

function words({ about, error }: Complaint): string {
  if (error === ENAMETOOLONG) return 'its name is too long';
  if (error !== EILSEQ) return 'the link leads out of the folder that is sent, or stands alone';
  const whose = about === 'name' ? 'its name' : 'the path that the link holds';
  return `${whose} has a character that could make it look like another (a receiver refuses it unless it allows all names)`;
}
