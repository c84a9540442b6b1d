// SPDX-License-Identifier: MIT

import { resolve } from 'node:path';
import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';

/** `path` made absolute. The working folder may have been removed, or its mount taken out of the tree: then only an absolute one is. Throws NinefoldError WORKING_FOLDER (exit 66). */
export function inWorkingFolder(path: string): string {
  try {
    return resolve(path);
  } catch (error) {
    throw new NinefoldError({
      code: 'WORKING_FOLDER',
      exit: EXIT.noInput,
      what: 'cannot find',
      on: printable(path),
      why: `the working folder is gone: ${because((error as NodeJS.ErrnoException).errno ?? 2)}`,
      remedy: 'go to another folder (cd), or write a path that begins with "/"',
      cause: error,
    });
  }
}
