// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { type Cases, fails } from '../case.ts';

/** symlink(2) and readlink(2); paths through symlinks need a mount that follows them. */
export const symlinkCases: Cases = {
  'targets of 1, 255, 256, 1,000 and 4,095 bytes come back as they were': (c) => {
    for (const n of [1, 255, 256, 1000, 4095]) {
      const target = `${'x'.repeat(n - 1)}y`;
      fs.symlinkSync(target, c.at(`l${n}`));
      assert.equal(fs.readlinkSync(c.at(`l${n}`)), target);
      assert.equal(fs.lstatSync(c.at(`l${n}`)).size, n);
    }
  },
  'a target of 4,096 bytes is too long, an empty one does not exist': (c) => {
    fails('ENAMETOOLONG', () => fs.symlinkSync('x'.repeat(4096), c.at('l')));
    fails('ENOENT', () => fs.symlinkSync('', c.at('l')));
    assert.deepEqual(fs.readdirSync(c.dir), []);
  },
  'a target of any bytes': (c) => {
    const all = Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1));
    fs.symlinkSync(all, c.at('l'));
    assert.deepEqual(fs.readlinkSync(c.at('l'), 'buffer'), all);
  },
  'targets that look like ways out are stored as they are': (c) => {
    for (const [i, target] of ['/', '/etc/passwd', '../../..', '.', '..', '//x//', ' ', '\n'].entries()) {
      fs.symlinkSync(target, c.at(`l${i}`));
      assert.equal(fs.readlinkSync(c.at(`l${i}`)), target);
    }
  },
  'lstat shows the symlink, stat what it names': (c) => {
    c.need('symfollow');
    c.file('f', 'abc');
    fs.symlinkSync('f', c.at('l'));
    assert.ok(fs.lstatSync(c.at('l')).isSymbolicLink());
    assert.equal(fs.statSync(c.at('l')).size, 3);
  },
  'a dangling symlink: lstat works, stat and open give ENOENT': (c) => {
    c.need('symfollow');
    fs.symlinkSync('nowhere', c.at('l'));
    assert.ok(fs.lstatSync(c.at('l')).isSymbolicLink());
    fails('ENOENT', () => fs.statSync(c.at('l')));
    fails('ENOENT', () => fs.openSync(c.at('l'), 'r'));
  },
  'loops give ELOOP': (c) => {
    fs.symlinkSync('self', c.at('self'));
    fs.symlinkSync('b', c.at('a'));
    fs.symlinkSync('a', c.at('b'));
    for (const name of ['self', 'a', 'b']) {
      fails('ELOOP', () => fs.statSync(c.at(name)));
      fails('ELOOP', () => fs.openSync(c.at(name), 'r'));
      fails('ELOOP', () => fs.statSync(`${c.at(name)}/x`));
    }
  },
  'a chain of 40 is followed, one of 41 is not': (c) => {
    c.need('symfollow');
    c.file('l0', 'abc');
    for (let i = 1; i <= 41; i++) fs.symlinkSync(`l${i - 1}`, c.at(`l${i}`));
    assert.equal(fs.readFileSync(c.at('l40'), 'utf8'), 'abc');
    fails('ELOOP', () => fs.readFileSync(c.at('l41')));
  },
  'a relative target is looked up beside the symlink': (c) => {
    c.need('symfollow');
    c.folder('d');
    c.file('f', 'wrong');
    c.file('d/f', 'right');
    fs.symlinkSync('f', c.at('d', 'l'));
    fs.symlinkSync('../f', c.at('d', 'up'));
    assert.equal(fs.readFileSync(c.at('d', 'l'), 'utf8'), 'right');
    assert.equal(fs.readFileSync(c.at('d', 'up'), 'utf8'), 'wrong');
  },
  'an absolute target is looked up from the root': (c) => {
    c.need('symfollow');
    fs.symlinkSync(c.file('f', 'abc'), c.at('l'));
    assert.equal(fs.readFileSync(c.at('l'), 'utf8'), 'abc');
  },
  'a symlink to a folder is a way into it': (c) => {
    c.need('symfollow');
    c.folder('d');
    fs.symlinkSync('d', c.at('l'));
    fs.writeFileSync(c.at('l', 'f'), 'abc');
    assert.equal(fs.readFileSync(c.at('d', 'f'), 'utf8'), 'abc');
    assert.deepEqual(fs.readdirSync(c.at('l')), ['f']);
    assert.ok(fs.lstatSync(`${c.at('l')}/`).isDirectory());
    assert.equal(fs.realpathSync.native(c.at('l', 'f')), fs.realpathSync.native(c.at('d', 'f')));
  },
  'readlink of what is no symlink gives EINVAL': (c) => {
    fails('EINVAL', () => fs.readlinkSync(c.file('f')));
    fails('EINVAL', () => fs.readlinkSync(c.dir));
  },
  'a name that is there is refused: file, folder, symlink': (c) => {
    c.file('f');
    c.folder('d');
    fs.symlinkSync('x', c.at('l'));
    for (const name of ['f', 'd', 'l']) fails('EEXIST', () => fs.symlinkSync('y', c.at(name)));
    assert.equal(fs.readlinkSync(c.at('l')), 'x');
  },
  'a symlink that is replaced is read anew': (c) => {
    for (let i = 0; i < 20; i++) {
      fs.symlinkSync(`target ${i}`, c.at('new'));
      fs.renameSync(c.at('new'), c.at('l'));
      assert.equal(fs.readlinkSync(c.at('l')), `target ${i}`);
    }
  },
  'a symlink that another process replaces is read anew': (c) => {
    fs.symlinkSync('one', c.at('l'));
    assert.equal(fs.readlinkSync(c.at('l')), 'one');
    c.python.run("os.unlink(args[0]); os.symlink('another', args[0])", c.at('l'));
    assert.equal(fs.readlinkSync(c.at('l')), 'another');
    assert.equal(fs.lstatSync(c.at('l')).size, 7);
  },
};
