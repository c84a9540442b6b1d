// SPDX-License-Identifier: MIT
// churn PATH PREFIX: adds entries to a folder and removes them again, without a break, until it is told so by a line on stdin; then it removes the last
// and prints how many there were.

import { closeSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

/** Entries that are there at one time. */
const ALIVE = 60;
const [path = '', prefix = ''] = process.argv.slice(2);
const name = (i: number): string => join(path, `${prefix}${i}`);

let told = false;
process.stdin.once('data', () => {
  told = true;
});
process.stdout.write('"started"\n');
let made = 0;
let gone = 0;
for (; !told; await turn()) {
  for (let i = 0; i < 20; i++) {
    closeSync(openSync(name(made++), 'wx'));
    if (made - gone <= ALIVE) continue;
    // Some go under another name.
    if (gone % 3 === 0) renameSync(name(gone), `${name(gone)}-moved`);
    unlinkSync(gone % 3 === 0 ? `${name(gone)}-moved` : name(gone));
    gone++;
  }
}
for (; gone < made; gone++) unlinkSync(name(gone));
process.stdout.write(`${made}\n`, () => process.exit(0));
