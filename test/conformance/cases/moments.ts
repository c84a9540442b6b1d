// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { O_CREAT, O_RDWR, O_TRUNC, O_WRONLY, UTIME_NOW, UTIME_OMIT } from '../../../src/base/sys.ts';
import type { Case, Cases, Ctx } from '../case.ts';
import { pause } from './modes.ts';

const NOW = { sec: 0, nsec: UTIME_NOW };
const OMIT = { sec: 0, nsec: UTIME_OMIT };
const stat = (path: string): fs.BigIntStats => fs.lstatSync(path, { bigint: true });

interface Rule {
  /** What the change is made to; default: a file `f`. */
  of?: (c: Ctx) => string;
  change: (c: Ctx, path: string) => void;
  /** Which of the two move. */
  moves: 'both' | 'ctime' | 'none';
}

function rule({ of = (c) => c.file('f', 'abc'), change, moves }: Rule): Case {
  return (c) => {
    const path = of(c);
    c.k.utimens(path, OMIT, { sec: 1_000_000, nsec: 0 });
    const before = stat(path);
    pause(12);
    change(c, path);
    const after = stat(path);
    if (moves === 'none') assert.equal(after.ctimeNs, before.ctimeNs, 'the ctime moved');
    else assert.ok(after.ctimeNs > before.ctimeNs, 'the ctime did not move');
    if (moves === 'both') assert.ok(after.mtimeNs > before.mtimeNs, 'the mtime did not move');
    else assert.equal(after.mtimeNs, before.mtimeNs, 'the mtime moved');
  };
}

const folder = (c: Ctx): string => c.folder('d');
const full = (c: Ctx): string => {
  c.folder('d');
  c.file('d/x');
  return c.at('d');
};

/** Which times move, and which stay: one rule of the manual pages each. */
export const momentCases: Cases = {
  'O_TRUNC of a file with content moves mtime and ctime': rule({
    change: (_c, path) => fs.closeSync(fs.openSync(path, O_WRONLY | O_TRUNC)),
    moves: 'both',
  }),
  'opening and closing moves nothing': rule({
    change: (_c, path) => fs.closeSync(fs.openSync(path, O_RDWR)),
    moves: 'none',
  }),
  'O_CREAT of a file that is there moves nothing': rule({
    change: (_c, path) => fs.closeSync(fs.openSync(path, O_RDWR | O_CREAT, 0o644)),
    moves: 'none',
  }),
  'a refused chown moves nothing': rule({
    change: (c, path) => {
      if (c.caps.root === true) return;
      assert.throws(() => fs.chownSync(path, 0, 0));
    },
    moves: 'none',
  }),
  'chown of nothing (-1, -1) leaves the mtime': (c) => {
    const path = c.file('f');
    c.k.utimens(path, OMIT, { sec: 1000, nsec: 0 });
    fs.chownSync(path, -1, -1);
    assert.equal(fs.statSync(path).mtimeMs, 1_000_000);
  },
  'utimens with both omitted moves nothing': rule({
    change: (c, path) => c.k.utimens(path, OMIT, OMIT),
    moves: 'none',
  }),
  'utimens of the atime alone moves the ctime': rule({
    change: (c, path) => c.k.utimens(path, NOW, OMIT),
    moves: 'ctime',
  }),
  'utimens to now moves both': rule({ change: (c, path) => c.k.utimens(path, NOW, NOW), moves: 'both' }),
  'a write of nothing moves nothing': rule({
    change: (c, path) => {
      const fd = fs.openSync(path, O_RDWR);
      c.k.pwrite(fd, '', 0);
      fs.closeSync(fd);
    },
    moves: 'none',
  }),
  'a write within the file moves both': rule({
    change: (c, path) => {
      const fd = fs.openSync(path, O_RDWR);
      c.k.pwrite(fd, 'x', 1);
      fs.closeSync(fd);
    },
    moves: 'both',
  }),
  'fsync moves nothing': rule({
    change: (_c, path) => {
      const fd = fs.openSync(path, O_RDWR);
      fs.fsyncSync(fd);
      fs.closeSync(fd);
    },
    moves: 'none',
  }),
  'making a file inside moves mtime and ctime of the folder': rule({
    of: folder,
    change: (_c, path) => fs.writeFileSync(`${path}/x`, ''),
    moves: 'both',
  }),
  'removing a folder inside moves both of the folder': rule({
    of: (c) => {
      c.folder('d');
      c.folder('d/x');
      return c.at('d');
    },
    change: (_c, path) => fs.rmdirSync(`${path}/x`),
    moves: 'both',
  }),
  'a hard link inside moves both of the folder': rule({
    of: full,
    change: (_c, path) => fs.linkSync(`${path}/x`, `${path}/y`),
    moves: 'both',
  }),
  'a rename inside moves both of the folder': rule({
    of: full,
    change: (_c, path) => fs.renameSync(`${path}/x`, `${path}/y`),
    moves: 'both',
  }),
  'writing to a file inside leaves the folder alone': rule({
    of: full,
    change: (_c, path) => fs.appendFileSync(`${path}/x`, 'abc'),
    moves: 'none',
  }),
  'listing a folder moves neither mtime nor ctime': rule({
    of: full,
    change: (_c, path) => void fs.readdirSync(path),
    moves: 'none',
  }),
  'a failed unlink and a failed mkdir leave the folder alone': rule({
    of: full,
    change: (_c, path) => {
      assert.throws(() => fs.unlinkSync(`${path}/none`));
      assert.throws(() => fs.mkdirSync(`${path}/x`));
    },
    moves: 'none',
  }),
  'an unlinked open file: the ctime moves with the unlink': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR);
    const before = fs.fstatSync(fd, { bigint: true });
    pause(12);
    fs.unlinkSync(c.at('f'));
    const after = fs.fstatSync(fd, { bigint: true });
    assert.ok(after.ctimeNs > before.ctimeNs);
    assert.equal(after.mtimeNs, before.mtimeNs);
    fs.closeSync(fd);
  },
  'a new file has all its times at once, none before its folder’s change': (c) => {
    const earliest = Date.now() - 1100;
    const s = fs.statSync(c.file('f'));
    for (const t of [s.atimeMs, s.mtimeMs, s.ctimeMs]) assert.ok(t >= earliest && t <= Date.now() + 1100);
  },
  'the time of a symlink is its own': (c) => {
    c.need('symfollow');
    const path = c.file('f');
    fs.symlinkSync('f', c.at('l'));
    c.k.utimens(c.at('l'), { sec: 5, nsec: 0 }, { sec: 6, nsec: 0 });
    c.k.utimens(path, { sec: 7, nsec: 0 }, { sec: 8, nsec: 0 });
    assert.deepEqual([fs.lstatSync(c.at('l')).mtimeMs, fs.statSync(c.at('l')).mtimeMs], [6000, 8000]);
  },
  'many writes: the mtime never runs back': (c) => {
    const fd = fs.openSync(c.file('f'), O_RDWR);
    let last = 0n;
    for (let i = 0; i < 100; i++) {
      fs.writeSync(fd, 'x');
      const { mtimeNs } = fs.fstatSync(fd, { bigint: true });
      assert.ok(mtimeNs >= last);
      last = mtimeNs;
    }
    fs.closeSync(fd);
  },
};
