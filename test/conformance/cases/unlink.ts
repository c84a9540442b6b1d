// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { S_IFIFO } from '../../../src/base/stat.ts';
import { AT_REMOVEDIR, O_APPEND, O_DIRECTORY, O_RDONLY, O_RDWR } from '../../../src/base/sys.ts';
import { ALICE, BOB, type Cases, fails } from '../case.ts';

/** unlink(2) and rmdir(2), and what a descriptor still can when the name is gone. */
export const unlinkCases: Cases = {
  'a removed file is gone': (c) => {
    fs.unlinkSync(c.file('f'));
    fails('ENOENT', () => fs.lstatSync(c.at('f')));
    fails('ENOENT', () => fs.unlinkSync(c.at('f')));
    assert.deepEqual(fs.readdirSync(c.dir), []);
  },
  'unlink of a folder gives EISDIR, rmdir of a file ENOTDIR': (c) => {
    fails('EISDIR', () => c.k.unlink(c.folder('d'), 0));
    fails('ENOTDIR', () => fs.rmdirSync(c.file('f')));
    assert.deepEqual(fs.readdirSync(c.dir).sort(), ['d', 'f']);
  },
  'rmdir of a symlink to a folder gives ENOTDIR': (c) => {
    c.folder('d');
    fs.symlinkSync('d', c.at('l'));
    fails('ENOTDIR', () => c.k.unlink(c.at('l'), AT_REMOVEDIR));
  },
  'rmdir of a full folder gives ENOTEMPTY': (c) => {
    c.folder('d');
    c.file('d/f');
    fails(['ENOTEMPTY', 'EEXIST'], () => fs.rmdirSync(c.at('d')));
    fs.unlinkSync(c.at('d', 'f'));
    fs.rmdirSync(c.at('d'));
    assert.ok(!fs.existsSync(c.at('d')));
  },
  'rmdir of . gives EINVAL, of .. ENOTEMPTY': (c) => {
    const d = c.folder('d');
    fails('EINVAL', () => fs.rmdirSync(`${d}/.`));
    fails(['ENOTEMPTY', 'EEXIST'], () => fs.rmdirSync(`${d}/..`));
  },
  'a slash behind a file gives ENOTDIR': (c) => fails('ENOTDIR', () => fs.unlinkSync(`${c.file('f')}/`)),
  'removing a symlink leaves what it names': (c) => {
    c.file('f', 'abc');
    fs.symlinkSync('f', c.at('l'));
    fs.unlinkSync(c.at('l'));
    assert.equal(fs.readFileSync(c.at('f'), 'utf8'), 'abc');
  },
  'a fifo and a dangling symlink can be removed': (c) => {
    c.k.mknod(c.at('p'), S_IFIFO | 0o644);
    fs.symlinkSync('nowhere', c.at('l'));
    fs.unlinkSync(c.at('p'));
    fs.unlinkSync(c.at('l'));
    assert.deepEqual(fs.readdirSync(c.dir), []);
  },
  'an unlinked open file reads, writes and grows': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR);
    fs.unlinkSync(c.at('f'));
    assert.equal(c.k.pread(fd, 10, 0).toString(), 'abc');
    fs.writeSync(fd, 'x'.repeat(100_000), 0);
    assert.equal(fs.fstatSync(fd).size, 100_000);
    assert.equal(c.k.pread(fd, 10, 99_995).toString(), 'xxxxx');
    fs.closeSync(fd);
  },
  'an unlinked open file: fstat, ftruncate, fchmod, futimens, fsync': (c) => {
    const fd = fs.openSync(c.file('f', 'abcdef'), O_RDWR);
    fs.unlinkSync(c.at('f'));
    assert.equal(fs.fstatSync(fd).nlink, 0);
    fs.ftruncateSync(fd, 2);
    fs.fchmodSync(fd, 0o600);
    c.k.futimens(fd, { sec: 1, nsec: 1 }, { sec: 2, nsec: 2 });
    fs.fsyncSync(fd);
    fs.fdatasyncSync(fd);
    const s = fs.fstatSync(fd, { bigint: true });
    assert.deepEqual([s.size, s.mode & 0o7777n, s.mtimeNs], [2n, 0o600n, 2_000_000_002n]);
    fs.closeSync(fd);
  },
  'an unlinked file of mode 0 still truncates through its descriptor': (c) => {
    const fd = fs.openSync(c.file('f', 'abcdef'), O_RDWR);
    fs.fchmodSync(fd, 0);
    fs.unlinkSync(c.at('f'));
    fs.ftruncateSync(fd, 3);
    fs.ftruncateSync(fd, 10_000);
    assert.equal(fs.fstatSync(fd).size, 10_000);
    fs.closeSync(fd);
  },
  'an unlinked file opened for appending appends': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR | O_APPEND);
    fs.unlinkSync(c.at('f'));
    fs.writeSync(fd, 'def');
    assert.equal(c.k.pread(fd, 10, 0).toString(), 'abcdef');
    fs.closeSync(fd);
  },
  'a new file of the same name is another file': (c) => {
    const fd = fs.openSync(c.file('f', 'old'), O_RDWR);
    fs.unlinkSync(c.at('f'));
    c.file('f', 'new');
    assert.equal(c.k.pread(fd, 10, 0).toString(), 'old');
    fs.writeSync(fd, 'OLD', 0);
    assert.equal(fs.readFileSync(c.at('f'), 'utf8'), 'new');
    assert.notEqual(fs.fstatSync(fd, { bigint: true }).ino, fs.statSync(c.at('f'), { bigint: true }).ino);
    fs.closeSync(fd);
  },
  'an unlinked open file can be opened again through /proc': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR);
    fs.unlinkSync(c.at('f'));
    const again = fs.openSync(`/proc/self/fd/${fd}`, O_RDONLY);
    assert.equal(c.k.pread(again, 10, 0).toString(), 'abc');
    fs.closeSync(again);
    fs.closeSync(fd);
  },
  '50 unlinked open files keep their own content': (c) => {
    const fds = Array.from({ length: 50 }, (_, i) => fs.openSync(c.file(`f${i}`, `content ${i}`), O_RDWR));
    for (let i = 0; i < 50; i++) fs.unlinkSync(c.at(`f${i}`));
    assert.deepEqual(fs.readdirSync(c.dir), []);
    for (const [i, fd] of fds.entries()) {
      assert.equal(c.k.pread(fd, 100, 0).toString(), `content ${i}`);
      fs.closeSync(fd);
    }
  },
  'a folder removed while open lists nothing': (c) => {
    const fd = fs.openSync(c.folder('d'), O_RDONLY | O_DIRECTORY);
    fs.rmdirSync(c.at('d'));
    assert.equal(fs.fstatSync(fd).nlink, 0);
    let names: string[] = [];
    try {
      names = c.k.entries(fd).map((e) => e.name.toString());
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ENOENT');
    }
    assert.deepEqual(
      names.filter((n) => n !== '.' && n !== '..'),
      [],
    );
    fs.closeSync(fd);
  },
  'in a sticky folder only the owner removes': (c) => {
    c.need('root', 'suid');
    const dir = c.folder('d', 0o1777);
    c.file('d/f');
    fs.chownSync(c.at('d', 'f'), ALICE, ALICE);
    fails(['EPERM', 'EACCES'], () => c.as(BOB, BOB, [], () => fs.unlinkSync(`${dir}/f`)));
    c.as(ALICE, ALICE, [], () => fs.unlinkSync(`${dir}/f`));
  },
  'removing needs the right to write to the folder, not to the file': (c) => {
    c.need('root');
    const dir = c.folder('d', 0o755);
    fs.chownSync(dir, ALICE, ALICE);
    c.file('d/f', '', 0o400);
    c.file('d/g', '', 0o666);
    c.as(ALICE, ALICE, [], () => fs.unlinkSync(`${dir}/f`));
    fails('EACCES', () => c.as(BOB, BOB, [], () => fs.unlinkSync(`${dir}/g`)));
  },
  'a tree is removed from the leaves up while it is being listed': (c) => {
    const make = (dir: string, depth: number): void => {
      for (let i = 0; i < 5; i++) {
        fs.writeFileSync(`${dir}/f${i}`, 'x');
        if (depth === 0) continue;
        fs.mkdirSync(`${dir}/d${i}`);
        make(`${dir}/d${i}`, depth - 1);
      }
    };
    make(c.folder('tree'), 2);
    fs.rmSync(c.at('tree'), { recursive: true });
    assert.ok(!fs.existsSync(c.at('tree')));
  },
};
