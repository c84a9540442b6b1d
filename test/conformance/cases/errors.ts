// SPDX-License-Identifier: MIT

import * as fs from 'node:fs';
import { AT_REMOVEDIR, O_CREAT, O_RDONLY, O_WRONLY } from '../../../src/base/sys.ts';
import { ALICE, type Cases, type Ctx, fails } from '../case.ts';

/** Every call that takes a path, on that path. `f` is a file that is there. */
export const CALLS: Readonly<Record<string, (c: Ctx, path: string, f: string) => unknown>> = {
  'open for reading': (_c, path) => fs.openSync(path, O_RDONLY),
  'open with O_CREAT': (_c, path) => fs.openSync(path, O_WRONLY | O_CREAT, 0o644),
  lstat: (_c, path) => fs.lstatSync(path),
  mkdir: (_c, path) => fs.mkdirSync(path),
  'mknod of a fifo': (c, path) => c.k.mknod(path, 0o010644),
  symlink: (_c, path) => fs.symlinkSync('x', path),
  readlink: (_c, path) => fs.readlinkSync(path),
  'link as the old name': (c, path) => fs.linkSync(path, c.at('new')),
  'link as the new name': (_c, path, f) => fs.linkSync(f, path),
  'rename as the old name': (c, path) => fs.renameSync(path, c.at('new')),
  'rename as the new name': (_c, path, f) => fs.renameSync(f, path),
  unlink: (_c, path) => fs.unlinkSync(path),
  rmdir: (c, path) => c.k.unlink(path, AT_REMOVEDIR),
  chmod: (_c, path) => fs.chmodSync(path, 0o600),
  lchown: (_c, path) => fs.lchownSync(path, -1, -1),
  truncate: (_c, path) => fs.truncateSync(path, 0),
  utimens: (_c, path) => fs.utimesSync(path, 1, 1),
  readdir: (_c, path) => fs.readdirSync(path),
  getxattr: (c, path) => c.k.getxattr(path, 'user.v'),
  statfs: (_c, path) => fs.statfsSync(path),
};

/** A path that cannot be walked, and what every call says of it. */
const WAYS: readonly (readonly [string, string, (c: Ctx) => string])[] = [
  ['through a folder that is missing', 'ENOENT', (c) => c.at('none', 'x')],
  ['through a file', 'ENOTDIR', (c) => c.at('f', 'x')],
  ['with a component of 256 bytes', 'ENAMETOOLONG', (c) => c.at('x'.repeat(256), 'x')],
  ['through a loop of symlinks', 'ELOOP', (c) => c.at('loop', 'x')],
];

function case_(code: string, way: (c: Ctx) => string): (c: Ctx) => void {
  return (c) => {
    const f = c.file('f');
    fs.symlinkSync('loop', c.at('loop'));
    for (const [call, work] of Object.entries(CALLS)) {
      try {
        fails(code, () => work(c, way(c), f));
      } catch (error) {
        throw new Error(`${call}: ${(error as Error).message}`);
      }
    }
  };
}

/** Error numbers of every call for every path that leads nowhere. */
export const errorCases: Cases = Object.fromEntries([
  ...WAYS.map(([words, code, way]) => [`every call ${words} gives ${code}`, case_(code, way)] as const),
  ...Object.entries(CALLS).map(
    ([call, work]) =>
      [
        `${call} behind a folder that may not be searched gives EACCES`,
        (c: Ctx): void => {
          c.need('root');
          fs.chmodSync(c.dir, 0o777);
          const f = c.file('f');
          fs.chownSync(f, ALICE, ALICE);
          const dir = c.folder('d');
          c.file('d/x');
          fs.chmodSync(dir, 0o700);
          c.as(ALICE, ALICE, [], () => fails('EACCES', () => work(c, c.at('d', 'x'), f)));
        },
      ] as const,
  ),
  ...[
    'lstat',
    'open for reading',
    'readlink',
    'link as the old name',
    'rename as the old name',
    'unlink',
    'rmdir',
    'chmod',
    'lchown',
    'truncate',
    'utimens',
    'readdir',
    'getxattr',
    'statfs',
  ].map(
    (call) =>
      [
        `${call} of a missing name gives ENOENT`,
        (c: Ctx): void => fails('ENOENT', () => CALLS[call]?.(c, c.at('none'), c.file('f'))),
      ] as const,
  ),
]);
