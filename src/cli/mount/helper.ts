// SPDX-License-Identifier: MIT

import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Looked at before PATH: a set-user-id program is taken from where the system keeps it. */
const USUAL = ['/usr/bin', '/bin', '/usr/local/bin', '/run/wrappers/bin'];

/** Where fusermount3(1) is; its bare name when it is not to be found, so that running it says so. */
export function findHelper(path = process.env.PATH ?? ''): string {
  for (const dir of [...USUAL, ...path.split(':').filter((d) => d.startsWith('/'))]) {
    const file = join(dir, 'fusermount3');
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not there.
    }
  }
  return 'fusermount3';
}
