// SPDX-License-Identifier: MIT

import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../common/stats.ts';
import { FULL, fillMounted, QUICK } from '../mount/tree.ts';

/** What is copied. `make` fills an empty folder; the same every time. */
export interface CopySet {
  readonly key: string;
  readonly title: string;
  /** Bytes, about. */
  readonly size: (divide: number) => number;
  readonly make: (dir: string, divide: number) => void;
  /** Few files, and large: a copy is removed at once. */
  readonly removed?: true;
}

const MIB = 2 ** 20;

export const COPY_SETS: readonly CopySet[] = [
  {
    key: 'small',
    title: '20,000 files of 1–4 KiB',
    size: (divide) => (20_000 * 4096) / divide,
    make(dir, divide) {
      const next = random(5);
      for (let d = 0; d < 200 / divide; d++) {
        mkdirSync(join(dir, `d${d}`));
        for (let f = 0; f < 100; f++)
          writeFileSync(join(dir, `d${d}`, `file${f}.txt`), noise(next, 1024 + Math.floor(next() * 3073)));
      }
    },
  },
  {
    key: 'large',
    title: 'one file of 2 GiB',
    size: (divide) => (2048 * MIB) / divide,
    removed: true,
    make(dir, divide) {
      const next = random(6);
      const block = noise(next, MIB);
      const fd = openSync(join(dir, 'large'), 'w');
      for (let i = 0; i < 2048 / divide; i++) {
        block.writeUInt32LE(i);
        writeSync(fd, block);
      }
      closeSync(fd);
    },
  },
  {
    key: 'git',
    title: 'a git checkout, 15,000 files',
    size: () => 250 * MIB,
    make(dir, divide) {
      fillMounted(dir, join(dir, 'small'), { ...(divide === 1 ? FULL : QUICK), bigMiB: 1, smallFiles: 1 });
    },
  },
];

function noise(next: () => number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE((next() * 2 ** 32) >>> 0, i);
  return bytes;
}
