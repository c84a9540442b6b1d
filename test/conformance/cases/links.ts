// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { S_IFIFO } from '../../../src/base/stat.ts';
import { O_RDWR } from '../../../src/base/sys.ts';
import { type Cases, fails } from '../case.ts';

const ino = (path: string): bigint => fs.lstatSync(path, { bigint: true }).ino;
const nlink = (path: string): number => fs.lstatSync(path).nlink;

/** link(2) and st_nlink. */
export const linkCases: Cases = {
  'two names, one inode, two links': (c) => {
    const path = c.file('f', 'abc');
    fs.linkSync(path, c.at('g'));
    assert.equal(ino(path), ino(c.at('g')));
    assert.deepEqual([nlink(path), nlink(c.at('g'))], [2, 2]);
  },
  'what is written by one name is read by the other': (c) => {
    const path = c.file('f', 'abc');
    fs.linkSync(path, c.at('g'));
    assert.equal(fs.readFileSync(c.at('g'), 'utf8'), 'abc');
    fs.writeFileSync(c.at('g'), 'longer text');
    assert.equal(fs.readFileSync(path, 'utf8'), 'longer text');
    assert.equal(fs.statSync(path).size, 11);
    fs.chmodSync(path, 0o600);
    assert.equal(fs.statSync(c.at('g')).mode & 0o7777, 0o600);
  },
  'removing one name leaves the other': (c) => {
    const path = c.file('f', 'abc');
    fs.linkSync(path, c.at('g'));
    fs.unlinkSync(path);
    assert.equal(nlink(c.at('g')), 1);
    assert.equal(fs.readFileSync(c.at('g'), 'utf8'), 'abc');
  },
  'a name in another folder': (c) => {
    c.folder('d');
    const path = c.file('f', 'abc');
    fs.linkSync(path, c.at('d', 'g'));
    fs.renameSync(c.at('d'), c.at('e'));
    assert.equal(ino(path), ino(c.at('e', 'g')));
  },
  'a link to a symlink is a second name of the symlink': (c) => {
    c.file('f');
    fs.symlinkSync('f', c.at('l'));
    fs.linkSync(c.at('l'), c.at('m'));
    assert.equal(ino(c.at('l')), ino(c.at('m')));
    assert.equal(fs.readlinkSync(c.at('m')), 'f');
    assert.equal(nlink(c.at('f')), 1);
  },
  'a link to a dangling symlink': (c) => {
    fs.symlinkSync('nowhere', c.at('l'));
    fs.linkSync(c.at('l'), c.at('m'));
    assert.equal(fs.readlinkSync(c.at('m')), 'nowhere');
  },
  'a link to a fifo': (c) => {
    c.k.mknod(c.at('p'), S_IFIFO | 0o644);
    fs.linkSync(c.at('p'), c.at('q'));
    assert.ok(fs.lstatSync(c.at('q')).isFIFO());
    assert.equal(nlink(c.at('p')), 2);
  },
  'a folder cannot be linked': (c) => fails('EPERM', () => fs.linkSync(c.folder('d'), c.at('e'))),
  'a name that is there is refused: file, folder, symlink': (c) => {
    const path = c.file('f');
    c.file('g', 'kept');
    c.folder('d');
    fs.symlinkSync('nowhere', c.at('l'));
    for (const name of ['f', 'g', 'd', 'l']) fails('EEXIST', () => fs.linkSync(path, c.at(name)));
    assert.equal(fs.readFileSync(c.at('g'), 'utf8'), 'kept');
    assert.equal(nlink(path), 1);
  },
  'a missing file, and a missing folder to put the name in': (c) => {
    fails('ENOENT', () => fs.linkSync(c.at('none'), c.at('g')));
    fails('ENOENT', () => fs.linkSync(c.file('f'), c.at('none', 'g')));
    fails('ENOTDIR', () => fs.linkSync(c.at('f'), c.at('f', 'g')));
  },
  '100 names of one file': (c) => {
    const path = c.file('f', 'abc');
    for (let i = 0; i < 99; i++) fs.linkSync(path, c.at(`n${i}`));
    assert.equal(nlink(path), 100);
    assert.equal(new Set(fs.readdirSync(c.dir).map((n) => ino(c.at(n)))).size, 1);
    for (let i = 0; i < 99; i++) fs.unlinkSync(c.at(`n${i}`));
    assert.equal(nlink(path), 1);
  },
  'a file without any name left has no links': (c) => {
    const path = c.file('f', 'abc');
    fs.linkSync(path, c.at('g'));
    const fd = fs.openSync(path, O_RDWR);
    fs.unlinkSync(path);
    assert.equal(fs.fstatSync(fd).nlink, 1);
    fs.unlinkSync(c.at('g'));
    assert.equal(fs.fstatSync(fd).nlink, 0);
    fs.closeSync(fd);
  },
  'each folder inside adds a link to its parent': (c) => {
    const dir = c.folder('d');
    for (let i = 0; i < 5; i++) {
      fs.mkdirSync(c.at('d', `s${i}`));
      assert.equal(nlink(dir), 3 + i);
    }
    c.file('d/f');
    assert.equal(nlink(dir), 7);
    for (let i = 0; i < 5; i++) fs.rmdirSync(c.at('d', `s${i}`));
    assert.equal(nlink(dir), 2);
  },
  'moving a folder moves its link to the new parent': (c) => {
    const [a, b] = [c.folder('a'), c.folder('b')];
    fs.mkdirSync(c.at('a', 's'));
    fs.renameSync(c.at('a', 's'), c.at('b', 's'));
    assert.deepEqual([nlink(a), nlink(b)], [2, 3]);
  },
  'a descriptor can be linked by its /proc path': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR);
    c.k.linkFd(fd, c.at('g'));
    fs.closeSync(fd);
    assert.equal(ino(c.at('f')), ino(c.at('g')));
  },
};
