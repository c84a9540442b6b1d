// SPDX-License-Identifier: MIT
// A tree of everything, and what there is to know of one.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from '../../src/qfile/index.ts';

/** Everything there is to know of a tree: one line an object. */
export function listing(dir: string, at = ''): string[] {
  return readdirSync(join(dir, at), { encoding: 'buffer' })
    .map((b) => b.toString('latin1'))
    .sort()
    .flatMap((name) => {
      const path = Buffer.from(join(dir, at, name), 'latin1');
      const s = lstatSync(path);
      const mode = (s.mode & 0o170777).toString(8);
      if (s.isSymbolicLink()) return [`${join('/', at, name)} -> ${readlinkSync(path)}`];
      const times = `${s.mtimeMs}`;
      if (s.isDirectory())
        return [`${join('/', at, name)}/ ${mode} ${times}`, ...listing(dir, join(at, name))];
      if (!s.isFile()) return [`${join('/', at, name)} ${mode}`];
      return [`${join('/', at, name)} ${mode} ${times} ${s.size} ${crc32(readFileSync(path), 0)}`];
    });
}

/** A folder `tree` with every kind of name, mode, time, hole and link, and a pipe, which is not sent. */
export function makeTree(dir: string): void {
  mkdirSync(join(dir, 'tree/deep/er'), { recursive: true });
  const at = (name: string): string => join(dir, 'tree', name);
  for (const name of [
    'plain',
    '.hidden',
    'with space',
    'ünïcödé €',
    '漢字',
    '-dash',
    'a"quote',
    '100%',
    '%41',
  ])
    writeFileSync(at(name), name);
  writeFileSync(at('empty'), '');
  writeFileSync(at('big'), Buffer.alloc(3_000_001, 'big '));
  for (const [name, mode] of [
    ['x', 0o755],
    ['w', 0o222],
    ['none', 0],
    ['ro', 0o444],
  ] as const) {
    writeFileSync(at(name), name);
    chmodSync(at(name), mode);
  }
  linkSync(at('plain'), at('hard'));
  const hole = openSync(at('hole'), 'w');
  writeSync(hole, 'end', 5_000_000);
  ftruncateSync(hole, 6_000_000);
  closeSync(hole);
  writeFileSync(at('deep/er/f'), 'f');
  symlinkSync('er/f', at('deep/link'));
  symlinkSync('../../plain', at('deep/er/up'));
  symlinkSync('nowhere', at('broken'));
  execFileSync('mkfifo', [at('pipe')]);
  utimesSync(at('plain'), 1, 2 ** 31 + 0.25);
  utimesSync(at('w'), 1e9, 0);
  utimesSync(at('deep/er'), 1e9, 1_000_000_000.5);
  chmodSync(at('deep/er'), 0o555);
  mkdirSync(at('shut'), { mode: 0o300 });
}

/** The same without the times of folders: one that was told of once has none of the sender's. */
export const untimed = (dir: string): string[] =>
  listing(dir).map((line) => line.replace(/^(.*\/ \d+) [\d.]+$/, '$1'));
