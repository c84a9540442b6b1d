// SPDX-License-Identifier: MIT

import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import { StatBuf } from '../../base/stat.ts';
import { AT_FDCWD, O_DIRECTORY, O_PATH, type Sys } from '../../base/sys.ts';
import type { PathArgument } from './raw-paths.ts';

const SLASH = 0x2f;

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
export function openArguments(sys: Sys, paths: readonly PathArgument[]): CopyArgument[] {
  return paths.map((given) => {
    const whole = typeof given === 'string' ? Buffer.from(given) : Buffer.from(given);
    const text = whole.toString();
    let end = whole.length;
    while (end > 0 && whole[end - 1] === SLASH) end--;
    const path = whole.subarray(0, end);
    const cut = path.lastIndexOf(SLASH) + 1;
    const name = path.subarray(cut);
    if (['', '.', '..'].includes(name.toString('latin1')) || whole.includes(0))
      throw wrong(text, EXIT.usage, 'it has no name of its own', 'name a file or folder, as in ../work');
    const dir = cut === 0 ? Buffer.from('.') : path.subarray(0, cut);
    const at = sys.alloc(dir.length + 1);
    at.cstring(dir);
    const parentFd = sys.openat(AT_FDCWD, at, O_PATH | O_DIRECTORY, 0);
    if (parentFd < 0) throw wrong(text, EXIT.noInput, because(parentFd), 'check the path');
    return { text, parentFd, name };
  });
}

/**
 * Two arguments of one name would meet in the incoming folder, and the second be refused when the first has gone over. Folders are let through: they become one there. Throws
 * NinefoldError COPY_ARGUMENT (exit 64).
 */
export function refuseTwins(sys: Sys, args: readonly CopyArgument[]): void {
  const seen = new Map<string, { text: string; folder: string | undefined }>();
  const stat = new StatBuf(sys.alloc(256));
  for (const { text, parentFd, name } of args) {
    const leaf = sys.alloc(name.length + 1);
    leaf.cstring(name);
    // What is not there is complained about elsewhere.
    if (sys.statat(parentFd, leaf, stat) < 0) continue;
    const key = Buffer.from(name).toString('latin1');
    const folder = stat.isDir ? `${stat.devMajor}:${stat.devMinor}:${stat.inoHi}:${stat.inoLo}` : undefined;
    const other = seen.get(key);
    if (
      other !== undefined &&
      (folder === undefined || other.folder === undefined || folder === other.folder)
    )
      throw wrong(
        text,
        EXIT.usage,
        text === other.text ? 'it is named twice' : `${printable(other.text)} has the same name`,
        text === other.text ? 'name it once' : 'send one after the other, or rename one',
      );
    seen.set(key, { text, folder });
  }
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
