// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { S_IFIFO, S_IFSOCK } from '../../../src/base/stat.ts';
import { AT_REMOVEDIR } from '../../../src/base/sys.ts';
import { type Cases, type Ctx, fails } from '../case.ts';

/** Every kind of object that a name can stand for. */
const KINDS: Readonly<Record<string, (c: Ctx, path: string) => void>> = {
  'a file': (_c, path) => fs.writeFileSync(path, path.slice(-1)),
  'an empty folder': (_c, path) => fs.mkdirSync(path),
  'a full folder': (_c, path) => {
    fs.mkdirSync(path);
    fs.writeFileSync(`${path}/x`, '');
  },
  'a symlink': (_c, path) => fs.symlinkSync('nowhere', path),
  'a fifo': (c, path) => c.k.mknod(path, S_IFIFO | 0o644),
  'a socket': (c, path) => c.k.mknod(path, S_IFSOCK | 0o644),
};
const isFolder = (kind: string): boolean => kind.endsWith('folder');

interface Seen {
  ino: bigint;
  mode: bigint;
}
const look = (path: string): Seen => {
  const { ino, mode } = fs.lstatSync(path, { bigint: true });
  return { ino, mode };
};

/** What rename(2) says when the first kind is to replace the second; undefined: it works. */
function refusal(from: string, to: string): readonly string[] | undefined {
  if (to === 'nothing') return undefined;
  if (isFolder(from)) {
    if (!isFolder(to)) return ['ENOTDIR'];
    return to === 'a full folder' ? ['ENOTEMPTY', 'EEXIST'] : undefined;
  }
  return isFolder(to) ? ['EISDIR'] : undefined;
}

/** In one folder, and from one folder to another: the names, the objects and the links of both folders are right afterwards. */
function renaming(from: string, to: string): (c: Ctx) => void {
  return (c) => {
    for (const [i, [a, b]] of (
      [
        ['p', 'p'],
        ['p', 'q'],
      ] as const
    ).entries()) {
      const top = c.folder(`d${i}`);
      for (const dir of new Set([a, b])) fs.mkdirSync(`${top}/${dir}`);
      const [source, target] = [`${top}/${a}/s`, `${top}/${b}/t`];
      KINDS[from]?.(c, source);
      KINDS[to]?.(c, target);
      const was = look(source);
      const there = to === 'nothing' ? undefined : look(target);
      const codes = refusal(from, to);
      if (codes === undefined) {
        fs.renameSync(source, target);
        fails('ENOENT', () => fs.lstatSync(source));
        assert.deepEqual(look(target), was);
      } else {
        fails(codes, () => fs.renameSync(source, target));
        assert.deepEqual([look(source), look(target)], [was, there]);
      }
      const names = fs.readdirSync(`${top}/${b}`).sort();
      assert.deepEqual(names, codes !== undefined && a === b ? ['s', 't'] : ['t']);
      assert.deepEqual(fs.readdirSync(`${top}/${a}`).includes('s'), codes !== undefined);
      for (const dir of new Set([a, b])) {
        const folders = fs
          .readdirSync(`${top}/${dir}`, { withFileTypes: true })
          .filter((e) => e.isDirectory());
        assert.equal(fs.statSync(`${top}/${dir}`).nlink, 2 + folders.length, `links of ${dir}`);
      }
    }
  };
}

/** rename(2): every kind onto every other. */
export const renameKindCases: Cases = Object.fromEntries(
  Object.keys(KINDS).flatMap((from) =>
    [...Object.keys(KINDS), 'nothing'].map((to) => {
      const says = refusal(from, to)?.[0];
      const name = `${from} onto ${to} ${says === undefined ? 'takes its place' : `gives ${says}`}`;
      return [name, renaming(from, to)] as const;
    }),
  ),
);

/** unlink(2) and rmdir(2) of every kind. */
export const removeKindCases: Cases = Object.fromEntries(
  Object.entries(KINDS).flatMap(([kind, make]) => {
    const remove = (call: string, flags: number, codes: readonly string[] | undefined) =>
      [
        `${call} of ${kind} ${codes === undefined ? 'removes it' : `gives ${codes[0]}`}`,
        (c: Ctx): void => {
          make(c, c.at('s'));
          const was = look(c.at('s'));
          if (codes === undefined) {
            c.k.unlink(c.at('s'), flags);
            fails('ENOENT', () => fs.lstatSync(c.at('s')));
            assert.deepEqual(fs.readdirSync(c.dir), []);
          } else {
            fails(codes, () => c.k.unlink(c.at('s'), flags));
            assert.deepEqual(look(c.at('s')), was);
            assert.deepEqual(fs.readdirSync(c.dir), ['s']);
          }
        },
      ] as const;
    const rmdir = isFolder(kind)
      ? kind === 'a full folder'
        ? ['ENOTEMPTY', 'EEXIST']
        : undefined
      : ['ENOTDIR'];
    return [
      remove('unlink', 0, isFolder(kind) ? ['EISDIR'] : undefined),
      remove('rmdir', AT_REMOVEDIR, rmdir),
    ];
  }),
);
