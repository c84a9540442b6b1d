// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } from '../../../src/base/sys.ts';
import { type Cases, type Ctx, fails } from '../case.ts';

const text = (path: string): string => fs.readFileSync(path, 'utf8');

/** A chain of folders, each inside the one before, made by steps: its whole path may be longer than any call takes. */
const DEEP = `
def deep(depth, name):
    fds = [os.open(args[0], os.O_RDONLY)]
    for i in range(depth):
        os.mkdir(name, dir_fd=fds[-1]); fds.append(os.open(name, os.O_RDONLY, dir_fd=fds[-1]))
        if len(fds) > 8: os.close(fds.pop(0))
    return fds
`;

/** Symlinks, deep trees, and the file system as a whole. */
export const reachCases: Cases = {
  'a symlink of 4,095 bytes leads where it says': (c) => {
    c.need('symfollow');
    c.file('f', 'abc');
    const target = `${'./'.repeat(2047)}f`;
    assert.equal(target.length, 4095);
    fs.symlinkSync(target, c.at('l'));
    assert.equal(text(c.at('l')), 'abc');
  },
  'a symlink of 255 bytes, of one name': (c) => {
    c.need('symfollow');
    const name = 'n'.repeat(255);
    c.file(name, 'abc');
    fs.symlinkSync(name, c.at('l'));
    assert.equal(fs.readlinkSync(c.at('l')), name);
    assert.equal(text(c.at('l')), 'abc');
  },
  'a loop through three folders gives ELOOP, however it is entered': (c) => {
    for (const n of ['a', 'b', 'd']) c.folder(n);
    fs.symlinkSync('../b/l', c.at('a', 'l'));
    fs.symlinkSync('../d/l', c.at('b', 'l'));
    fs.symlinkSync('../a/l', c.at('d', 'l'));
    for (const n of ['a', 'b', 'd']) {
      fails('ELOOP', () => fs.statSync(c.at(n, 'l')));
      fails('ELOOP', () => fs.readdirSync(c.at(n, 'l')));
      fails('ELOOP', () => fs.openSync(c.at(n, 'l'), O_WRONLY | O_CREAT));
      fs.lstatSync(c.at(n, 'l'));
    }
  },
  'a loop is opened by nobody, and can be renamed, linked and removed': (c) => {
    fs.symlinkSync('l', c.at('l'));
    fails('ELOOP', () => fs.openSync(c.at('l'), O_RDONLY));
    fails('ELOOP', () => fs.openSync(c.at('l'), O_RDONLY | O_NOFOLLOW));
    fs.linkSync(c.at('l'), c.at('m'));
    fs.renameSync(c.at('l'), c.at('n'));
    assert.equal(fs.readlinkSync(c.at('n')), 'l');
    fs.unlinkSync(c.at('n'));
    fs.unlinkSync(c.at('m'));
    assert.deepEqual(fs.readdirSync(c.dir), []);
  },
  'O_EXCL does not follow a symlink, dangling or not': (c) => {
    fs.symlinkSync('nowhere', c.at('l'));
    fails('EEXIST', () => fs.openSync(c.at('l'), O_WRONLY | O_CREAT | O_EXCL, 0o644));
    assert.deepEqual(fs.readdirSync(c.dir), ['l']);
  },
  'a symlink in the middle of a path, twice': (c) => {
    c.need('symfollow');
    c.folder('d');
    c.folder('d/e');
    c.file('d/e/f', 'abc');
    fs.symlinkSync('d', c.at('l'));
    fs.symlinkSync('../l/e', c.at('d', 'm'));
    assert.equal(text(c.at('l', 'm', 'f')), 'abc');
    fs.renameSync(c.at('l', 'm', 'f'), c.at('l', 'e', 'g'));
    assert.equal(text(c.at('d', 'e', 'g')), 'abc');
  },
  'a symlink that is turned to another folder leads there at once': (c) => {
    c.need('symfollow');
    for (const n of ['a', 'b']) {
      c.folder(n);
      c.file(`${n}/f`, n);
    }
    for (let i = 0; i < 10; i++) {
      const n = i % 2 === 0 ? 'a' : 'b';
      fs.symlinkSync(n, c.at('new'));
      fs.renameSync(c.at('new'), c.at('l'));
      assert.equal(text(c.at('l', 'f')), n);
    }
  },
  'a folder 100 deep: made, written at the bottom, walked back, removed': (c) => {
    const out = c.python.run(
      `${DEEP}
fds = deep(100, 'd'); f = os.open('f', os.O_RDWR | os.O_CREAT, 0o644, dir_fd=fds[-1]); os.write(f, b'abc'); say(os.pread(f, 9, 0).decode())
up = os.dup(fds[-1])
for i in range(100): up, old = os.open('..', os.O_RDONLY, dir_fd=up), up; os.close(old)
say(os.fstat(up).st_ino == os.stat(args[0]).st_ino)`,
      c.dir,
    );
    assert.equal(out, 'abc\nTrue');
    assert.equal(spawnSync('rm', ['-rf', c.at('d')]).status, 0);
    assert.deepEqual(fs.readdirSync(c.dir), []);
  },
  '40 folders with names of 255 bytes, one inside the other': (c) => {
    const out = c.python.run(
      `${DEEP}
fds = deep(40, 'x' * 255); open('/proc/self/fd/%d/f' % fds[-1], 'w').write('abc'); say(open('/proc/self/fd/%d/f' % fds[-1]).read(), os.listdir(fds[-1]))`,
      c.dir,
    );
    assert.equal(out, "abc ['f']");
  },
  'a deep folder moved to the top and back': (c) => {
    let path = '';
    for (let i = 0; i < 20; i++) {
      path = `${path}d/`;
      c.folder(path);
    }
    c.file(`${path}f`, 'abc');
    for (let i = 0; i < 5; i++) {
      fs.renameSync(c.at('d/d/d/d/d'), c.at('up'));
      assert.equal(text(c.at(`up/${'d/'.repeat(15)}f`)), 'abc');
      fs.renameSync(c.at('up'), c.at('d/d/d/d/d'));
      assert.equal(text(c.at(`${path}f`)), 'abc');
    }
  },
  'the names of one folder that differ in one byte': (c) => {
    const base = 'a'.repeat(200);
    const made = Array.from({ length: 200 }, (_, i) => `${base.slice(0, i)}b${base.slice(i + 1)}`);
    for (const n of made) c.file(n, n);
    for (const n of made) assert.equal(text(c.at(n)), n);
    assert.deepEqual(fs.readdirSync(c.dir).sort(), made.sort());
  },
  'bytes that are no UTF-8, as names of folders, symlinks and targets': (c) => {
    const out = c.python.run(
      `p = args[0].encode(); n = b'\\xff\\xfe\\x80'
os.mkdir(p + b'/' + n); os.symlink(n, p + b'/\\xc0'); open(p + b'/' + n + b'/' + n, 'w').write('abc')
say(os.readlink(p + b'/\\xc0') == n, sorted(os.listdir(p)) == sorted([n, b'\\xc0']), open(p + b'/' + n + b'/' + n).read())
os.rename(p + b'/' + n, p + b'/\\x81'); say(os.listdir(p + b'/\\x81') == [n])`,
      c.dir,
    );
    assert.equal(out, 'True True abc\nTrue');
  },
  'statfs of a descriptor agrees with that of the path, and free space goes down with writing': (c) => {
    const out = c.python.run(
      `a = os.statvfs(args[0]); fd = os.open(args[0] + '/f', os.O_RDWR | os.O_CREAT); os.write(fd, b'x' * (8 << 20)); os.fsync(fd)
b = os.fstatvfs(fd); say(a.f_frsize == b.f_frsize, a.f_blocks == b.f_blocks, b.f_namemax); os.close(fd)`,
      c.dir,
    );
    assert.equal(out, 'True True 255');
  },
  'sync of one file system (syncfs), and sync of a file and a folder by the program': (c) => {
    c.file('f', 'abc');
    for (const args of [['-f', c.at('f')], [c.at('f')], ['-d', c.at('f')], [c.dir]]) {
      const done = spawnSync('sync', args, { encoding: 'utf8' });
      assert.deepEqual([done.status, done.stderr], [0, '']);
    }
  },
  'fsync of a file without a name, of one renamed, and after a write by another descriptor': (c) => {
    const [a, b] = [fs.openSync(c.file('f', 'abc'), 'r+'), fs.openSync(c.at('f'), 'r+')];
    fs.writeSync(b, 'x', 0);
    fs.fsyncSync(a);
    fs.renameSync(c.at('f'), c.at('g'));
    fs.fdatasyncSync(b);
    fs.unlinkSync(c.at('g'));
    fs.writeSync(a, 'y', 1);
    fs.fsyncSync(a);
    assert.equal(c.k.pread(b, 3, 0).toString(), 'xyc');
    fs.closeSync(a);
    fs.closeSync(b);
  },
  'fsync of a descriptor for reading, and of a folder after each kind of change': (c) => {
    const dir = c.folder('d');
    const fd = fs.openSync(dir, O_RDONLY | O_DIRECTORY);
    const step = (fn: () => void): void => {
      fn();
      fs.fsyncSync(fd);
    };
    step(() => fs.writeFileSync(`${dir}/f`, 'abc'));
    step(() => fs.renameSync(`${dir}/f`, `${dir}/g`));
    step(() => fs.linkSync(`${dir}/g`, `${dir}/h`));
    step(() => fs.unlinkSync(`${dir}/g`));
    step(() => fs.mkdirSync(`${dir}/s`));
    fs.closeSync(fd);
    assert.deepEqual(fs.readdirSync(dir).sort(), ['h', 's']);
  },
  'a tar of every kind of object comes back the same': (c) => tarRoundTrip(c),
};

function tarRoundTrip(c: Ctx): void {
  const src = c.folder('src');
  fs.mkdirSync(`${src}/d`);
  fs.writeFileSync(`${src}/d/f`, 'abc');
  fs.chmodSync(`${src}/d/f`, 0o640);
  fs.linkSync(`${src}/d/f`, `${src}/hard`);
  fs.symlinkSync('d/f', `${src}/soft`);
  c.k.mknod(`${src}/fifo`, 0o010600);
  c.k.utimens(`${src}/d/f`, { sec: 1000, nsec: 0 }, { sec: 2000, nsec: 0 });
  const out = c.folder('out');
  for (const args of [
    ['-cf', c.at('t.tar'), '-C', src, '.'],
    ['-xpf', c.at('t.tar'), '-C', out],
  ]) {
    const done = spawnSync('tar', args, { encoding: 'utf8' });
    assert.deepEqual([done.status, done.stderr], [0, '']);
  }
  const s = fs.statSync(`${out}/d/f`);
  assert.deepEqual([text(`${out}/hard`), s.mode & 0o777, s.mtimeMs, s.nlink], ['abc', 0o640, 2_000_000, 2]);
  assert.equal(fs.readlinkSync(`${out}/soft`), 'd/f');
  assert.ok(fs.lstatSync(`${out}/fifo`).isFIFO());
}
