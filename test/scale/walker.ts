// SPDX-License-Identifier: MIT
// walker PATH: looks at the files of tree.ts and reads them, a step for each line on stdin.

import { closeSync, lstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ESTALE } from '../../src/base/errno.ts';
import { COUNT, type Fate, fate, first, LENGTH, nameOf, passing, settled } from './tree.ts';

const O_PATH = 0o10000000;
const [top = ''] = process.argv.slice(2);
const buffer = Buffer.alloc(2 * LENGTH);
/** Descriptors that hold a file without opening it: the kernel knows the object, and the mount has nothing of it but its name. */
const held = new Map<number, number>();
/** How many files of each fate are held. */
const HELD = 60;
const MAX_TOLD = 10;

/** A whole file; undefined when there is none. */
function read(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** Collects what was wrong: all of it is counted, some told. */
class Findings {
  readonly told: string[] = [];
  wrong = 0;
  right = 0;

  add(i: number, good: boolean, found: () => string): void {
    if (good) this.right++;
    else if (this.wrong++ < MAX_TOLD) this.told.push(`${nameOf(i)} (${fate(i)}): ${found()}`);
  }
}

/** What reading finds, or the code of the error. */
function attempt(path: string): { text: string | undefined; code?: string } {
  try {
    return { text: read(path) };
  } catch (error) {
    const { errno, code } = error as NodeJS.ErrnoException;
    // Node has no name for it.
    return { text: undefined, code: errno === -ESTALE ? 'ESTALE' : (code ?? String(error)) };
  }
}

const steps: Readonly<Record<string, () => unknown>> = {
  hold() {
    const of = new Map<Fate, number>();
    for (let i = 0; i < COUNT; i++) {
      const n = of.get(fate(i)) ?? 0;
      if (n >= HELD) continue;
      of.set(fate(i), n + 1);
      held.set(i, openSync(join(top, nameOf(i)), O_PATH));
    }
    return held.size;
  },

  look() {
    const f = new Findings();
    for (let i = 0; i < COUNT; i++) {
      const s = lstatSync(join(top, nameOf(i)));
      f.add(i, s.isFile() && s.size === LENGTH, () => `${s.size} bytes`);
    }
    return f;
  },

  /** While others change the tree: every file must be what it was, or will be, or on its way from one to the other. */
  readMeanwhile() {
    const f = new Findings();
    for (let i = 0; i < COUNT; i++) {
      // Nobody looks up the names of those that are held: only `readHeld` can find out what became of them.
      if (held.has(i) || (fate(i) === 'left' && i % 25 !== 3)) continue;
      const { text, code } = attempt(join(top, nameOf(i)));
      const good = code === undefined && [first(i), settled(i), ...passing(i)].includes(text);
      f.add(i, good, () => `${code ?? text}`);
    }
    return f;
  },

  read() {
    const f = new Findings();
    for (let i = 0; i < COUNT; i++) {
      const { text, code } = attempt(join(top, nameOf(i)));
      f.add(i, code === undefined && text === settled(i), () => `${code ?? text}`);
    }
    return f;
  },

  /** Opens what is held: the very object, if it can still be found, or ESTALE. Never what has its name now. */
  readHeld() {
    const f = new Findings();
    const stale: Record<string, number> = {};
    for (const [i, fd] of held) {
      const { text, code } = attempt(`/proc/self/fd/${fd}`);
      const same = fate(i) === 'rewritten' ? [first(i), settled(i)].includes(text) : text === first(i);
      const lost = code === 'ESTALE' && fate(i) !== 'left' && fate(i) !== 'rewritten';
      if (lost) stale[fate(i)] = (stale[fate(i)] ?? 0) + 1;
      f.add(i, lost || (code === undefined && same), () => `${code ?? text}`);
    }
    return { ...f, stale };
  },
};

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(steps[line]?.())}\n`);
