// SPDX-License-Identifier: MIT

import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import { AT_FDCWD, O_DIRECTORY, O_PATH, type Sys } from '../../base/sys.ts';
import { cstring } from '../../linux/memory.ts';

/** An argument of a copy: the folder that it is in, opened, and its name there. */
export interface CopyArgument {
  readonly text: string;
  readonly parentFd: number;
  readonly name: Uint8Array;
}

/**
 * Opens the folder of each path, as its user means it (links on the way are followed, the last component is not). The caller closes. Throws NinefoldError
 * COPY_ARGUMENT (exit 64, 66).
 */
export function openArguments(sys: Sys, paths: readonly string[]): CopyArgument[] {
  return paths.map((text) => {
    const path = text.replace(/\/+$/, '');
    const cut = path.lastIndexOf('/') + 1;
    const name = path.slice(cut);
    if (name === '' || name === '.' || name === '..' || text.includes('\0'))
      throw wrong(text, EXIT.usage, 'it has no name of its own', 'name a file or folder, as in ../work');
    const dir = cut === 0 ? '.' : path.slice(0, cut);
    const parentFd = sys.openat(AT_FDCWD, cstring(dir), O_PATH | O_DIRECTORY, 0);
    if (parentFd < 0) throw wrong(text, EXIT.noInput, because(parentFd), 'check the path');
    return { text, parentFd, name: Buffer.from(name) };
  });
}

function wrong(text: string, exit: 64 | 66, why: string, remedy: string): NinefoldError {
  return new NinefoldError({
    code: 'COPY_ARGUMENT',
    exit,
    what: 'cannot copy',
    on: text === '' ? 'a path that is empty' : printable(text),
    why,
    remedy,
  });
}
