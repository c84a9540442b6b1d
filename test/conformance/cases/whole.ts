// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { O_DIRECTORY, O_RDONLY, O_RDWR } from '../../../src/base/sys.ts';
import type { Cases } from '../case.ts';

/** The file system as a whole: statfs(2), fsync(2), numbers of devices and inodes. */
export const wholeCases: Cases = {
  'statfs gives sizes that make sense': (c) => {
    const s = fs.statfsSync(c.dir);
    assert.ok(s.bsize >= 512 && s.blocks > 0);
    assert.ok(s.blocks >= s.bfree && s.bfree >= s.bavail);
    assert.ok(s.files >= s.ffree);
  },
  'statfs is the same from every object inside': (c) => {
    const [f, d] = [c.file('f'), c.folder('d')];
    const size = (path: string): number => {
      const s = fs.statfsSync(path);
      return s.bsize * s.blocks;
    };
    assert.equal(size(f), size(c.dir));
    assert.equal(size(d), size(c.dir));
  },
  'the longest name is 255': (c) => {
    assert.equal(c.python.run('say(os.statvfs(args[0]).f_namemax)', c.dir), '255');
  },
  'df works': (c) => {
    const out = c.python.run(
      `import subprocess; say(subprocess.run(['df', '-P', args[0]], capture_output=True, text=True).stdout.count('\\n'))`,
      c.dir,
    );
    assert.equal(out, '2');
  },
  'fsync and fdatasync of files, also for reading only': (c) => {
    for (const flags of [O_RDWR, O_RDONLY]) {
      const fd = fs.openSync(c.file('f', 'abc'), flags);
      fs.fsyncSync(fd);
      fs.fdatasyncSync(fd);
      fs.closeSync(fd);
    }
  },
  'fsync of a folder': (c) => {
    const fd = fs.openSync(c.dir, O_RDONLY | O_DIRECTORY);
    c.file('f');
    fs.fsyncSync(fd);
    fs.closeSync(fd);
  },
  syncfs: (c) => {
    c.file('f', 'abc');
    c.python.run('os.sync()');
    assert.equal(fs.readFileSync(c.at('f'), 'utf8'), 'abc');
  },
  'all objects are of one device': (c) => {
    fs.symlinkSync('x', c.at('l'));
    const dev = fs.statSync(c.dir).dev;
    for (const path of [c.file('f'), c.folder('d'), c.at('l')]) assert.equal(fs.lstatSync(path).dev, dev);
  },
  '300 files have 300 inode numbers, and keep them': (c) => {
    const inos = Array.from({ length: 300 }, (_, i) => fs.statSync(c.file(`f${i}`), { bigint: true }).ino);
    assert.equal(new Set(inos).size, 300);
    assert.ok(!inos.includes(0n));
    for (const [i, ino] of inos.entries())
      assert.equal(fs.statSync(c.at(`f${i}`), { bigint: true }).ino, ino);
  },
  'blocks grow with the content': (c) => {
    const path = c.file('f');
    assert.equal(fs.statSync(path).blocks, 0);
    const fd = fs.openSync(path, O_RDWR);
    fs.writeSync(fd, Buffer.alloc(1 << 20, 1));
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    const s = fs.statSync(path);
    assert.ok(s.blocks * 512 >= 1 << 20, `${s.blocks} blocks`);
    assert.ok(s.blksize >= 512);
  },
  'fstat through a descriptor agrees with stat by name': (c) => {
    const path = c.file('f', 'abcdef', 0o640);
    const fd = fs.openSync(path, O_RDWR);
    fs.writeSync(fd, 'more than before');
    const [a, b] = [fs.fstatSync(fd, { bigint: true }), fs.statSync(path, { bigint: true })];
    for (const key of ['dev', 'ino', 'mode', 'nlink', 'uid', 'gid', 'size', 'mtimeNs', 'ctimeNs'] as const)
      assert.equal(a[key], b[key], key);
    fs.closeSync(fd);
  },
  'what another process changes is seen by stat at once': (c) => {
    const path = c.file('f', 'abc', 0o644);
    assert.equal(fs.statSync(path).size, 3);
    c.python.run("open(args[0], 'a').write('defg'); os.chmod(args[0], 0o600)", path);
    const s = fs.statSync(path);
    assert.deepEqual([s.size, s.mode & 0o7777], [7, 0o600]);
  },
};
