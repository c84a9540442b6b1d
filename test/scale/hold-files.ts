// SPDX-License-Identifier: MIT
// hold-files PATH COUNT: opens COUNT files of a folder at once, and does a step of `steps` for each line on stdin.

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, fate, nameOf } from './held.ts';

const [path = '', countText = ''] = process.argv.slice(2);
const count = Number(countText);
const at = (name: string): string => join(path, name);
const fds: number[] = [];

const steps: Readonly<Record<string, () => unknown>> = {
  /** Every second file is made on the way, the others are there. */
  open() {
    for (let i = 0; i < count; i++) {
      const fd = openSync(
        at(nameOf(i)),
        constants.O_RDWR | (i % 2 === 0 ? constants.O_CREAT | constants.O_EXCL : 0),
        0o644,
      );
      if (i % 2 === 0) writeSync(fd, before(i), 0);
      fds.push(fd);
    }
    return fds.length;
  },

  /** Takes the names of some away while they are open. */
  disturb() {
    for (let i = 0; i < count; i++) {
      const name = at(nameOf(i));
      if (fate(i) === 'unlinked') unlinkSync(name);
      else if (fate(i) === 'renamed') renameSync(name, `${name}-moved`);
      else if (fate(i) === 'replaced') {
        writeFileSync(`${name}-new`, 'another');
        renameSync(`${name}-new`, name);
      }
    }
    return null;
  },

  /** Reads and writes each through its descriptor; the numbers of those that were not as they should be. */
  use() {
    const wrong: string[] = [];
    for (const [i, fd] of fds.entries()) {
      try {
        const was = contents(fd);
        if (was !== before(i)) wrong.push(`${nameOf(i)} (${fate(i)}) held ${was}`);
        writeSync(fd, after(i), 0);
        ftruncateSync(fd, after(i).length);
        if (i % 50 === 0) fsyncSync(fd);
        const s = fstatSync(fd);
        if (s.size !== after(i).length || !s.isFile())
          wrong.push(`${nameOf(i)} (${fate(i)}) has ${s.size} bytes`);
        if (fate(i) === 'unlinked' && s.nlink !== 0) wrong.push(`${nameOf(i)} has ${s.nlink} links`);
      } catch (error) {
        wrong.push(`${nameOf(i)} (${fate(i)}): ${error}`);
      }
    }
    return wrong;
  },

  /** Reads each again, now that all were written. */
  check() {
    return fds.flatMap((fd, i) => (contents(fd) === after(i) ? [] : [`${nameOf(i)} (${fate(i)})`]));
  },

  close() {
    for (const fd of fds) closeSync(fd);
    return null;
  },
};

function contents(fd: number): string {
  const b = Buffer.alloc(256);
  return b.toString('latin1', 0, readSync(fd, b, 0, b.length, 0));
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(steps[line]?.())}\n`);
