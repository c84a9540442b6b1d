// SPDX-License-Identifier: MIT
// open-until DIR: makes and opens files in DIR until one fails, closes all, and makes one more. Prints how far it came, as JSON.

import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [dir = ''] = process.argv.slice(2);
const MOST = 900;
const fds: number[] = [];
let code = 'none';
try {
  for (let i = 0; i < MOST; i++) fds.push(openSync(join(dir, `open-${i}`), 'w'));
} catch (error) {
  code = (error as NodeJS.ErrnoException).code ?? String(error);
}
for (const fd of fds) closeSync(fd);
let after = 'done';
// Closing is not waited for (RELEASE has no answer): the descriptors come back within a moment.
for (let i = 0; i < 100; i++) {
  try {
    writeFileSync(join(dir, 'after'), 'x');
    after = 'done';
    break;
  } catch (error) {
    after = (error as NodeJS.ErrnoException).code ?? String(error);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
process.stdout.write(JSON.stringify({ opened: fds.length, code, after }));
