// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as O from '../../../src/base/sys.ts';
import { ALICE, BOB, type Cases, fails } from '../case.ts';

const read = (fd: number, n = 100): string => {
  const b = Buffer.alloc(n);
  return b.subarray(0, fs.readSync(fd, b, 0, n, null)).toString();
};

/** open(2): what each flag does to a file that is there. */
export const openCases: Cases = {
  'O_RDONLY reads, and writing gives EBADF': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O.O_RDONLY);
    assert.equal(read(fd), 'abc');
    fails('EBADF', () => fs.writeSync(fd, 'x'));
    fs.closeSync(fd);
  },
  'O_WRONLY writes, and reading gives EBADF': (c) => {
    const path = c.file('f', 'abc');
    const fd = fs.openSync(path, O.O_WRONLY);
    fs.writeSync(fd, 'X');
    fails('EBADF', () => read(fd));
    fs.closeSync(fd);
    assert.equal(fs.readFileSync(path, 'utf8'), 'Xbc');
  },
  'O_RDWR does both through one offset': (c) => {
    const fd = fs.openSync(c.file('f', 'abcdef'), O.O_RDWR);
    assert.equal(read(fd, 2), 'ab');
    fs.writeSync(fd, 'XY');
    assert.equal(read(fd), 'ef');
    fs.closeSync(fd);
  },
  'O_TRUNC empties': (c) => {
    const path = c.file('f', 'abc');
    fs.closeSync(fs.openSync(path, O.O_WRONLY | O.O_TRUNC));
    assert.equal(fs.statSync(path).size, 0);
  },
  'O_TRUNC empties with O_RDONLY too': (c) => {
    const path = c.file('f', 'abc');
    fs.closeSync(fs.openSync(path, O.O_RDONLY | O.O_TRUNC));
    assert.equal(fs.statSync(path).size, 0);
  },
  'O_TRUNC is seen by a descriptor that was open before': (c) => {
    const path = c.file('f', 'abcdef');
    const fd = fs.openSync(path, O.O_RDONLY);
    assert.equal(read(fd, 2), 'ab');
    fs.closeSync(fs.openSync(path, O.O_WRONLY | O.O_TRUNC));
    assert.equal(read(fd), '');
    assert.equal(fs.fstatSync(fd).size, 0);
    fs.closeSync(fd);
  },
  'O_APPEND writes at the end whatever the offset': (c) => {
    const path = c.file('f', 'abc');
    const fd = fs.openSync(path, O.O_RDWR | O.O_APPEND);
    c.k.seek(fd, 0, 0);
    fs.writeSync(fd, 'D');
    fs.writeFileSync(path, 'longer than before');
    fs.writeSync(fd, '!');
    fs.closeSync(fd);
    assert.equal(fs.readFileSync(path, 'utf8'), 'longer than before!');
  },
  'O_DIRECTORY opens a folder and refuses a file': (c) => {
    fs.closeSync(fs.openSync(c.dir, O.O_RDONLY | O.O_DIRECTORY));
    fails('ENOTDIR', () => fs.openSync(c.file('f'), O.O_RDONLY | O.O_DIRECTORY));
  },
  'O_NOFOLLOW refuses a symlink and opens a file': (c) => {
    const path = c.file('f');
    fs.symlinkSync('f', c.at('l'));
    fails('ELOOP', () => fs.openSync(c.at('l'), O.O_RDONLY | O.O_NOFOLLOW));
    fs.closeSync(fs.openSync(path, O.O_RDONLY | O.O_NOFOLLOW));
  },
  'O_PATH gives the object without access to its content': (c) => {
    const fd = fs.openSync(c.file('f', 'abc', 0o600), O.O_PATH);
    assert.equal(fs.fstatSync(fd).size, 3);
    fails('EBADF', () => read(fd));
    fs.closeSync(fd);
  },
  'O_PATH|O_NOFOLLOW gives the symlink itself': (c) => {
    fs.symlinkSync('nowhere', c.at('l'));
    const fd = fs.openSync(c.at('l'), O.O_PATH | O.O_NOFOLLOW);
    assert.ok(fs.fstatSync(fd).isSymbolicLink());
    fs.closeSync(fd);
  },
  'a folder cannot be opened for writing': (c) => {
    fails('EISDIR', () => fs.openSync(c.dir, O.O_WRONLY));
    fails('EISDIR', () => fs.openSync(c.dir, O.O_RDWR));
    fails('EISDIR', () => fs.openSync(c.dir, O.O_RDONLY | O.O_CREAT));
  },
  'read(2) of a folder gives EISDIR': (c) => {
    const fd = fs.openSync(c.dir, O.O_RDONLY);
    fails('EISDIR', () => read(fd));
    fs.closeSync(fd);
  },
  'a slash behind a file name gives ENOTDIR': (c) => {
    fails('ENOTDIR', () => fs.openSync(`${c.file('f')}/`, O.O_RDONLY));
    fails('EISDIR', () => fs.openSync(`${c.at('new')}/`, O.O_WRONLY | O.O_CREAT, 0o644));
  },
  'O_DIRECT reads and writes aligned blocks': (c) => {
    c.need('direct');
    // Node's buffers are not aligned, Python's anonymous maps are.
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o644)
m = mmap.mmap(-1, 8192); m[:] = b'x' * 4096 + b'y' * 4096
say(os.pwritev(fd, [m], 0)); r = mmap.mmap(-1, 8192); say(os.preadv(fd, [r], 0)); say(r[:] == m[:])
os.close(fd)`,
      c.at('f'),
    );
    assert.equal(out, '8192\n8192\nTrue');
    assert.equal(fs.readFileSync(c.at('f'), 'latin1'), 'x'.repeat(4096) + 'y'.repeat(4096));
  },
  'what O_DIRECT writes is seen by a descriptor without it, and the other way round': (c) => {
    c.need('direct');
    const path = c.file('f', 'a'.repeat(4096));
    const fd = fs.openSync(path, O.O_RDWR);
    assert.equal(read(fd, 1), 'a');
    const code = `fd = os.open(args[0], os.O_RDWR | os.O_DIRECT); m = mmap.mmap(-1, 4096)
os.preadv(fd, [m], 0); say(m[:1].decode()); m[:] = args[1].encode() * 4096; os.pwritev(fd, [m], 0)`;
    fs.writeSync(fd, 'b', 0);
    assert.equal(c.python.run(code, path, 'c'), 'b');
    assert.equal(c.k.pread(fd, 1, 0).toString(), 'c');
    fs.closeSync(fd);
  },
  'O_SYNC and O_DSYNC write': (c) => {
    for (const flag of [O.O_SYNC, O.O_DSYNC]) {
      const fd = fs.openSync(c.at('f'), O.O_WRONLY | O.O_CREAT | flag, 0o644);
      fs.writeSync(fd, 'abc');
      fs.closeSync(fd);
      assert.equal(fs.readFileSync(c.at('f'), 'utf8'), 'abc');
    }
  },
  'O_NOATIME is for the owner': (c) => {
    c.need('root');
    const path = c.file('f', 'abc');
    fs.chownSync(path, ALICE, ALICE);
    fs.closeSync(c.as(ALICE, ALICE, [], () => fs.openSync(path, O.O_RDONLY | O.O_NOATIME)));
    fails('EPERM', () => c.as(BOB, BOB, [], () => fs.openSync(path, O.O_RDONLY | O.O_NOATIME)));
  },
  'O_TMPFILE makes a file without a name that can be given one': (c) => {
    c.need('tmpfile');
    const fd = fs.openSync(c.dir, O.O_RDWR | O.O_TMPFILE, 0o600);
    fs.writeSync(fd, 'abc');
    assert.equal(fs.fstatSync(fd).nlink, 0);
    assert.deepEqual(fs.readdirSync(c.dir), []);
    c.k.linkFd(fd, c.at('named'));
    fs.closeSync(fd);
    assert.equal(fs.readFileSync(c.at('named'), 'utf8'), 'abc');
  },
  'two descriptors of one file share the content, not the offset': (c) => {
    const path = c.file('f', 'abcdef');
    const [a, b] = [fs.openSync(path, O.O_RDWR), fs.openSync(path, O.O_RDWR)];
    assert.equal(read(a, 3), 'abc');
    fs.writeSync(b, 'XYZDEF');
    assert.equal(read(a, 3), 'DEF');
    fs.closeSync(a);
    fs.closeSync(b);
  },
  'a duplicated descriptor shares the offset': (c) => {
    const a = fs.openSync(c.file('f', 'abcdef'), O.O_RDONLY);
    const b = c.k.dup(a);
    assert.equal(read(a, 3), 'abc');
    fs.closeSync(a);
    assert.equal(read(b, 3), 'def');
    c.k.close(b);
  },
  'a descriptor follows its file through renames': (c) => {
    c.folder('d');
    const path = c.file('f', 'abc');
    const fd = fs.openSync(path, O.O_RDWR);
    fs.renameSync(path, c.at('d', 'g'));
    fs.renameSync(c.at('d'), c.at('e'));
    fs.writeSync(fd, 'X');
    assert.equal(fs.readFileSync(c.at('e', 'g'), 'utf8'), 'Xbc');
    assert.equal(fs.fstatSync(fd).ino, fs.statSync(c.at('e', 'g')).ino);
    fs.closeSync(fd);
  },
  'a program in the folder runs, and cannot be written meanwhile (ETXTBSY)': async (c) => {
    fs.copyFileSync('/bin/sleep', c.at('sleep'));
    fs.chmodSync(c.at('sleep'), 0o755);
    const child = spawn(c.at('sleep'), ['20']);
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    try {
      fails('ETXTBSY', () => fs.openSync(c.at('sleep'), O.O_WRONLY));
    } finally {
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
    }
    fs.closeSync(fs.openSync(c.at('sleep'), O.O_WRONLY));
  },
  '300 files open at once, each with its own content': (c) => {
    const fds: number[] = [];
    for (let i = 0; i < 300; i++) fds.push(fs.openSync(c.file(`f${i}`, `content ${i}`), O.O_RDWR));
    for (const [i, fd] of fds.entries()) assert.equal(read(fd), `content ${i}`);
    for (const fd of fds) fs.closeSync(fd);
  },
};
