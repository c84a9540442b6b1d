// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { S_IFIFO } from '../../../src/base/stat.ts';
import {
  AT_REMOVEDIR,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_WRONLY,
} from '../../../src/base/sys.ts';
import { type Cases, type Ctx, fails } from '../case.ts';
import { CALLS } from './errors.ts';

/** Names of calls in `CALLS` that make something, so that what is missing is no refusal of theirs. */
const MAKES = [
  'open with O_CREAT',
  'mkdir',
  'mknod of a fifo',
  'symlink',
  'link as the new name',
  'rename as the new name',
];

function every(
  code: string | readonly string[],
  path: (c: Ctx) => string,
  but: readonly string[] = [],
): (c: Ctx) => void {
  return (c) => {
    const f = c.file('f');
    const p = path(c);
    for (const [call, work] of Object.entries(CALLS)) {
      if (but.includes(call)) continue;
      try {
        fails(code, () => work(c, p, f));
      } catch (error) {
        throw new Error(`${call}: ${(error as Error).message}`);
      }
    }
    assert.ok(fs.readdirSync(c.dir).includes('f'));
  };
}

/** A call on an object of a kind that it is not for. */
const WRONG_KIND: readonly (readonly [string, string | readonly string[], (c: Ctx) => unknown])[] = [
  ['open for writing of a folder', 'EISDIR', (c) => fs.openSync(c.folder('d'), O_WRONLY)],
  ['open of a folder with O_CREAT', 'EISDIR', (c) => fs.openSync(c.folder('d'), O_RDONLY | O_CREAT, 0o644)],
  [
    'open of a folder with O_CREAT and O_EXCL',
    'EEXIST',
    (c) => fs.openSync(c.folder('d'), O_WRONLY | O_CREAT | O_EXCL),
  ],
  ['open of a fifo with O_DIRECTORY', 'ENOTDIR', (c) => fs.openSync(fifo(c), O_RDONLY | O_DIRECTORY)],
  [
    'open of a file as the place of an O_TMPFILE',
    ['ENOTDIR', 'EOPNOTSUPP'],
    (c) => fs.openSync(c.file('g'), O_RDWR | O_TMPFILE),
  ],
  ['mkdir of a name that is a fifo', 'EEXIST', (c) => fs.mkdirSync(fifo(c))],
  ['symlink over a folder', 'EEXIST', (c) => fs.symlinkSync('x', c.folder('d'))],
  ['truncate of a folder', 'EISDIR', (c) => fs.truncateSync(c.folder('d'), 0)],
  ['rmdir of a fifo', 'ENOTDIR', (c) => c.k.unlink(fifo(c), AT_REMOVEDIR)],
  ['unlink of a folder that is full', 'EISDIR', (c) => c.k.unlink(full(c), 0)],
  ['readlink of a folder', 'EINVAL', (c) => fs.readlinkSync(c.folder('d'))],
  ['readlink of a fifo', 'EINVAL', (c) => fs.readlinkSync(fifo(c))],
  ['readdir of a fifo', 'ENOTDIR', (c) => fs.readdirSync(fifo(c))],
  ['readdir of a symlink to a file', ['ENOTDIR', 'ELOOP'], (c) => fs.readdirSync(toFile(c))],
  [
    'link of a folder by a trailing slash',
    ['EPERM', 'ENOENT', 'EEXIST'],
    (c) => fs.linkSync(`${c.folder('d')}/`, c.at('e')),
  ],
  ['rename of a folder to a name inside it', 'EINVAL', (c) => fs.renameSync(full(c), c.at('d', 'y'))],
  ['a name below a fifo', 'ENOTDIR', (c) => fs.statSync(`${fifo(c)}/x`)],
  ['mkdir with a missing parent and a slash', 'ENOENT', (c) => fs.mkdirSync(`${c.at('none')}/d/`)],
];

/** A folder `d` with a file in it. */
function full(c: Ctx): string {
  c.folder('d');
  c.file('d/x');
  return c.at('d');
}

/** A symlink to a file. */
function toFile(c: Ctx): string {
  c.file('g');
  fs.symlinkSync('g', c.at('l'));
  return c.at('l');
}

function fifo(c: Ctx): string {
  c.k.mknod(c.at('p'), S_IFIFO | 0o644);
  return c.at('p');
}

/** Error numbers: paths of every bad form for every call, calls on the wrong kind of object. */
export const refusalCases: Cases = {
  'every call with an empty path gives ENOENT': every('ENOENT', () => ''),
  'every call with a last name of 256 bytes gives ENAMETOOLONG': every('ENAMETOOLONG', (c) =>
    c.at('x'.repeat(256)),
  ),
  'every call with a path of 4,096 bytes gives ENAMETOOLONG': every(
    'ENAMETOOLONG',
    (c) => `${`${c.dir}/${'./'.repeat(2048)}`.slice(0, 4094)}xx`,
  ),
  'every call through a dangling symlink gives ENOENT': (c) => {
    c.need('symfollow');
    fs.symlinkSync('nowhere', c.at('dangling'));
    every('ENOENT', () => c.at('dangling', 'x'))(c);
  },
  'every call that does not make something, of a missing name with a slash, gives ENOENT': every(
    'ENOENT',
    (c) => `${c.at('none')}/`,
    MAKES,
  ),
  'making what is there gives EEXIST, for every kind that is made and every kind that is there': (c) => {
    c.file('g');
    c.folder('d');
    fs.symlinkSync('nowhere', c.at('l'));
    fifo(c);
    for (const there of ['g', 'd', 'l', 'p'])
      for (const call of ['mkdir', 'mknod of a fifo', 'symlink', 'link as the new name'])
        fails('EEXIST', () => CALLS[call]?.(c, c.at(there), c.at('g')));
  },
  'a file with a slash behind it gives ENOTDIR': (c) => {
    const path = `${c.file('g')}/`;
    for (const call of [
      'lstat',
      'open for reading',
      'chmod',
      'truncate',
      'unlink',
      'rmdir',
      'readdir',
      'readlink',
    ])
      fails('ENOTDIR', () => CALLS[call]?.(c, path, path));
  },
  ...Object.fromEntries(
    WRONG_KIND.map(([name, code, work]) => [
      `${name} gives ${typeof code === 'string' ? code : code[0]}`,
      (c: Ctx) => fails(code, () => work(c)),
    ]),
  ),
};
