// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { O_RDWR, UTIME_NOW, UTIME_OMIT } from '../../../src/base/sys.ts';
import { ALICE, BOB, type Case, type Cases, type Ctx, fails } from '../case.ts';
import { pause } from './modes.ts';

const stat = (path: string): fs.BigIntStats => fs.lstatSync(path, { bigint: true });
const NOW = { sec: 0, nsec: UTIME_NOW };
const OMIT = { sec: 0, nsec: UTIME_OMIT };

/** A change must move the ctime (and the mtime, where `mtime` says so) of what `target` names, and no clock may run back. */
function moves(mtime: boolean, prepare: (c: Ctx) => string, change: (c: Ctx, path: string) => void): Case {
  return (c) => {
    const path = prepare(c);
    c.k.utimens(path, OMIT, { sec: 1_000_000, nsec: 5 });
    const before = stat(path);
    pause(12);
    change(c, path);
    const after = stat(path);
    assert.ok(after.ctimeNs > before.ctimeNs, 'the ctime did not move');
    if (mtime) assert.ok(after.mtimeNs > before.mtimeNs, 'the mtime did not move');
    else assert.equal(after.mtimeNs, before.mtimeNs, 'the mtime moved');
  };
}
const aFile = (c: Ctx): string => c.file('f', 'abc');
const aFolder = (c: Ctx): string => c.folder('d');

/** utimensat(2), and what sets the times by itself. */
export const timeCases: Cases = {
  'times are kept to the nanosecond, on files, folders and symlinks': (c) => {
    fs.symlinkSync('x', c.at('l'));
    for (const path of [c.file('f'), c.folder('d'), c.at('l')]) {
      c.k.utimens(path, { sec: 1_234_567_890, nsec: 123_456_789 }, { sec: 987_654_321, nsec: 999_999_999 });
      const s = stat(path);
      assert.deepEqual([s.atimeNs, s.mtimeNs], [1_234_567_890_123_456_789n, 987_654_321_999_999_999n]);
    }
  },
  'times before 1970 and after 2038': (c) => {
    const path = c.file('f');
    for (const sec of [-1, -2_000_000_000, 2_147_483_648, 4_294_967_296, 9_000_000_000]) {
      c.k.utimens(path, { sec, nsec: 1 }, { sec, nsec: 2 });
      const s = stat(path);
      assert.deepEqual(
        [s.atimeNs, s.mtimeNs],
        [BigInt(sec) * 1_000_000_000n + 1n, BigInt(sec) * 1_000_000_000n + 2n],
      );
    }
  },
  'UTIME_NOW is now': (c) => {
    const path = c.file('f');
    c.k.utimens(path, { sec: 1, nsec: 0 }, { sec: 1, nsec: 0 });
    const earliest = Date.now() - 50;
    c.k.utimens(path, NOW, NOW);
    const s = fs.statSync(path);
    assert.ok(s.atimeMs >= earliest && s.mtimeMs >= earliest && s.mtimeMs <= Date.now() + 50);
  },
  'UTIME_OMIT leaves one or both': (c) => {
    const path = c.file('f');
    c.k.utimens(path, { sec: 11, nsec: 1 }, { sec: 22, nsec: 2 });
    c.k.utimens(path, OMIT, { sec: 33, nsec: 3 });
    assert.deepEqual([stat(path).atimeNs, stat(path).mtimeNs], [11_000_000_001n, 33_000_000_003n]);
    c.k.utimens(path, { sec: 44, nsec: 4 }, OMIT);
    assert.deepEqual([stat(path).atimeNs, stat(path).mtimeNs], [44_000_000_004n, 33_000_000_003n]);
    c.k.utimens(path, OMIT, OMIT);
    assert.deepEqual([stat(path).atimeNs, stat(path).mtimeNs], [44_000_000_004n, 33_000_000_003n]);
  },
  'UTIME_NOW for one and a time for the other': (c) => {
    const path = c.file('f');
    c.k.utimens(path, NOW, { sec: 22, nsec: 2 });
    assert.equal(stat(path).mtimeNs, 22_000_000_002n);
    assert.ok(fs.statSync(path).atimeMs > Date.now() - 60_000);
  },
  'a nanosecond field of 10^9 is refused': (c) => {
    fails('EINVAL', () => c.k.utimens(c.file('f'), { sec: 1, nsec: 1_000_000_000 }, OMIT));
  },
  'futimens works on a file without a name': (c) => {
    const path = c.file('f');
    const fd = fs.openSync(path, O_RDWR);
    fs.unlinkSync(path);
    c.k.futimens(fd, { sec: 11, nsec: 1 }, { sec: 22, nsec: 2 });
    assert.equal(fs.fstatSync(fd, { bigint: true }).mtimeNs, 22_000_000_002n);
    fs.closeSync(fd);
  },
  'a set mtime survives closing a descriptor that wrote before': (c) => {
    const path = c.file('f');
    const fd = fs.openSync(path, O_RDWR);
    fs.writeSync(fd, 'abc');
    c.k.futimens(fd, { sec: 11, nsec: 1 }, { sec: 22, nsec: 2 });
    fs.closeSync(fd);
    assert.equal(stat(path).mtimeNs, 22_000_000_002n);
  },
  'only the owner sets times, whoever may write sets them to now, others neither': (c) => {
    c.need('root');
    const path = c.file('f', '', 0o666);
    fs.chownSync(path, ALICE, ALICE);
    const open = c.file('g', '', 0o644);
    fs.chownSync(open, ALICE, ALICE);
    c.as(ALICE, ALICE, [], () => c.k.utimens(path, { sec: 1, nsec: 1 }, { sec: 2, nsec: 2 }));
    fails('EPERM', () =>
      c.as(BOB, BOB, [], () => c.k.utimens(path, { sec: 1, nsec: 1 }, { sec: 2, nsec: 2 })),
    );
    c.as(BOB, BOB, [], () => c.k.utimens(path, NOW, NOW));
    assert.ok(fs.statSync(path).mtimeMs > Date.now() - 60_000);
    fails('EACCES', () => c.as(BOB, BOB, [], () => c.k.utimens(open, NOW, NOW)));
    fails('EPERM', () => c.as(BOB, BOB, [], () => c.k.utimens(path, NOW, OMIT)));
  },
  'the time of birth is before the first change and stays': (c) => {
    c.need('btime');
    const path = c.file('f');
    const born = stat(path).birthtimeNs;
    assert.ok(born > 0n && born <= stat(path).ctimeNs);
    pause(12);
    fs.appendFileSync(path, 'abc');
    fs.chmodSync(path, 0o600);
    fs.renameSync(path, c.at('g'));
    assert.equal(stat(c.at('g')).birthtimeNs, born);
  },
  'reading moves neither mtime nor ctime': (c) => {
    const path = c.file('f', 'abc');
    const before = stat(path);
    pause(12);
    fs.readFileSync(path);
    const after = stat(path);
    assert.deepEqual([after.mtimeNs, after.ctimeNs], [before.mtimeNs, before.ctimeNs]);
  },
  'the mtime that fstat gives right after a write is the one that stays': (c) => {
    const path = c.file('f');
    const fd = fs.openSync(path, O_RDWR);
    fs.writeSync(fd, 'abc');
    const seen = fs.fstatSync(fd, { bigint: true }).mtimeNs;
    pause(30);
    fs.closeSync(fd);
    assert.equal(stat(path).mtimeNs, seen);
  },
  'write moves mtime and ctime': moves(true, aFile, (_c, path) => fs.appendFileSync(path, 'x')),
  'truncate moves mtime and ctime': moves(true, aFile, (_c, path) => fs.truncateSync(path, 1)),
  'truncate to the same size moves mtime and ctime': moves(true, aFile, (_c, path) =>
    fs.truncateSync(path, 3),
  ),
  'utimensat moves the ctime': moves(false, aFile, (c, path) => c.k.utimens(path, { sec: 5, nsec: 0 }, OMIT)),
  'link moves the ctime': moves(false, aFile, (c, path) => fs.linkSync(path, c.at('g'))),
  'unlink of another name moves the ctime': moves(
    false,
    (c) => {
      fs.linkSync(aFile(c), c.at('g'));
      return c.at('f');
    },
    (c) => fs.unlinkSync(c.at('g')),
  ),
  'making and removing a name moves the mtime of the folder': moves(true, aFolder, (_c, path) => {
    fs.writeFileSync(`${path}/x`, '');
    fs.unlinkSync(`${path}/x`);
  }),
  'mkdir moves the mtime of the folder': moves(true, aFolder, (_c, path) => fs.mkdirSync(`${path}/x`)),
  'symlink moves the mtime of the folder': moves(true, aFolder, (_c, path) =>
    fs.symlinkSync('x', `${path}/x`),
  ),
  'renaming out of a folder moves its mtime': moves(
    true,
    (c) => {
      c.folder('d');
      c.file('d/x');
      return c.at('d');
    },
    (c, path) => fs.renameSync(`${path}/x`, c.at('x')),
  ),
  'renaming into a folder moves its mtime': moves(true, aFolder, (c, path) => {
    c.file('x');
    fs.renameSync(c.at('x'), `${path}/x`);
  }),
};
