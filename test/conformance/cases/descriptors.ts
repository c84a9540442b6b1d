// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as O from '../../../src/base/sys.ts';
import { ALICE, BOB, type Cases, fails } from '../case.ts';

const read = (fd: number, n = 100): string => {
  const b = Buffer.alloc(n);
  return b.subarray(0, fs.readSync(fd, b, 0, n, null)).toString();
};

/** What descriptors do after they were opened: flags that change, paths from a folder, descriptors handed on. */
export const descriptorCases: Cases = {
  'O_NONBLOCK, O_CLOEXEC, O_NOCTTY and O_LARGEFILE open a plain file': (c) => {
    const path = c.file('f', 'abc');
    for (const flag of [O.O_NONBLOCK, O.O_CLOEXEC, O.O_NOCTTY, O.O_LARGEFILE]) {
      const fd = fs.openSync(path, O.O_RDWR | flag);
      assert.equal(read(fd), 'abc');
      fs.writeSync(fd, 'X', 0);
      fs.writeSync(fd, 'a', 0);
      fs.closeSync(fd);
    }
  },
  'O_CREAT|O_TRUNC empties what is there and keeps its mode and inode': (c) => {
    const path = c.file('f', 'abc', 0o640);
    const was = fs.statSync(path);
    fs.closeSync(fs.openSync(path, O.O_WRONLY | O.O_CREAT | O.O_TRUNC, 0o777));
    const s = fs.statSync(path);
    assert.deepEqual([s.ino, s.mode, s.size], [was.ino, was.mode, 0]);
  },
  'O_APPEND|O_TRUNC empties, then appends': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O.O_WRONLY | O.O_APPEND | O.O_TRUNC);
    fs.writeSync(fd, 'one');
    fs.writeSync(fd, 'two');
    fs.closeSync(fd);
    assert.equal(fs.readFileSync(c.at('f'), 'utf8'), 'onetwo');
  },
  'O_CREAT|O_DIRECTORY never makes a folder': (c) => {
    // EINVAL since Linux 6.4; before, a file was made and then refused.
    fails(['EINVAL', 'ENOTDIR', 'EISDIR'], () =>
      fs.openSync(c.at('d'), O.O_RDONLY | O.O_CREAT | O.O_DIRECTORY, 0o755),
    );
    assert.ok(!fs.existsSync(c.at('d')) || !fs.statSync(c.at('d')).isDirectory());
  },
  'O_APPEND switched on after opening (F_SETFL) appends, switched off does not': (c) => {
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDWR)
os.write(fd, b'X'); fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND); os.lseek(fd, 0, 0); os.write(fd, b'end')
fcntl.fcntl(fd, fcntl.F_SETFL, 0); os.lseek(fd, 1, 0); os.write(fd, b'Y'); say(open(args[0]).read())`,
      c.file('f', 'abc'),
    );
    assert.equal(out, 'XYcend');
  },
  'O_APPEND given to open and switched off later: pwrite goes where it is told': (c) => {
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDWR | os.O_APPEND); os.write(fd, b'd'); fcntl.fcntl(fd, fcntl.F_SETFL, 0)
os.pwrite(fd, b'A', 0); os.pwrite(fd, b'C', 2); fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND); os.write(fd, b'e'); say(open(args[0]).read())`,
      c.file('f', 'abc'),
    );
    assert.equal(out, 'AbCde');
  },
  'F_GETFL tells the flags that open was given': (c) => {
    const out = c.python.run(
      `fd = os.open(args[0], os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
say(fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK) == os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)`,
      c.file('f'),
    );
    assert.equal(out, 'True');
  },
  'the *at calls work from a folder that moved': (c) => {
    const out = c.python.run(
      `os.mkdir(args[0] + '/a'); d = os.open(args[0] + '/a', os.O_RDONLY); os.rename(args[0] + '/a', args[0] + '/z')
os.close(os.open('f', os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=d)); os.mkdir('d', dir_fd=d); os.symlink('x', 'l', dir_fd=d)
os.rename('f', 'g', src_dir_fd=d, dst_dir_fd=d); os.link('g', 'h', src_dir_fd=d, dst_dir_fd=d); os.unlink('g', dir_fd=d)
os.chmod('h', 0o600, dir_fd=d); os.utime('h', (5, 6), dir_fd=d)
s = os.stat('h', dir_fd=d); say(oct(s.st_mode & 0o777), s.st_mtime, os.readlink('l', dir_fd=d), sorted(os.listdir(args[0] + '/z')))`,
      c.dir,
    );
    assert.equal(out, "0o600 6.0 x ['d', 'h', 'l']");
  },
  'a folder that is the working one of a process can be renamed under it': (c) => {
    const out = c.python.run(
      `os.mkdir(args[0] + '/a'); os.chdir(args[0] + '/a'); os.rename(args[0] + '/a', args[0] + '/z')
open('f', 'w').write('abc'); say(open(args[0] + '/z/f').read(), os.getcwd().endswith('/z'))`,
      c.dir,
    );
    assert.equal(out, 'abc True');
  },
  'a working folder that was removed: getcwd and open give ENOENT': (c) => {
    const out = c.python.run(
      `os.mkdir(args[0] + '/a'); os.chdir(args[0] + '/a'); os.rmdir(args[0] + '/a')
say(tried(os.getcwd), tried(lambda: os.open('f', os.O_WRONLY | os.O_CREAT)), tried(lambda: os.mkdir('d')))`,
      c.dir,
    );
    assert.equal(out, 'ENOENT ENOENT ENOENT');
  },
  'a descriptor handed to another process by a socket works there': async (c) => {
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDWR); os.lseek(fd, 1, 0); a, b = socket.socketpair()
if os.fork() == 0:
    _, fds, _, _ = socket.recv_fds(b, 1, 1); os.write(fds[0], b'XY'); os._exit(0)
socket.send_fds(a, [b'x'], [fd]); os.wait(); say(os.read(fd, 10).decode(), open(args[0]).read())`,
      c.file('f', 'abcdef'),
    );
    assert.equal(out, 'def aXYdef');
  },
  'parent and child share the offset of an inherited descriptor': (c) => {
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDWR)
if os.fork() == 0: os.read(fd, 3); os._exit(0)
os.wait(); say(os.read(fd, 3).decode())`,
      c.file('f', 'abcdef'),
    );
    assert.equal(out, 'def');
  },
  'a descriptor inherited over exec keeps its file after the name is gone': (c) => {
    const out = c.python.run(
      `import subprocess
fd = os.open(args[0], os.O_RDONLY); os.unlink(args[0]); os.set_inheritable(fd, True)
say(subprocess.run(['cat'], stdin=fd, capture_output=True, text=True).stdout)`,
      c.file('f', 'abc'),
    );
    assert.equal(out, 'abc');
  },
  'a path ending in a symlink and a slash: the folder behind is meant': (c) => {
    c.need('symfollow');
    c.folder('d');
    fs.symlinkSync('d', c.at('l'));
    fs.closeSync(fs.openSync(`${c.at('l')}/`, O.O_RDONLY | O.O_DIRECTORY));
    fails(['ENOTDIR', 'ELOOP'], () => fs.openSync(c.at('l'), O.O_RDONLY | O.O_DIRECTORY | O.O_NOFOLLOW));
  },
  'opening anew through /proc may ask for more than the first opening': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O.O_RDONLY);
    const again = fs.openSync(`/proc/self/fd/${fd}`, O.O_RDWR);
    fs.writeSync(again, 'X', 0);
    assert.equal(read(fd), 'Xbc');
    fs.closeSync(again);
    fs.closeSync(fd);
  },
  'a descriptor of another user keeps working after the rights are gone, and gives no new ones': (c) => {
    c.need('root');
    const path = c.file('f', 'abc', 0o600);
    fs.chownSync(path, ALICE, ALICE);
    const fd = c.as(ALICE, ALICE, [], () => fs.openSync(path, O.O_RDONLY));
    fs.chownSync(path, BOB, BOB);
    assert.equal(read(fd), 'abc');
    fails('EACCES', () => c.as(ALICE, ALICE, [], () => fs.openSync(`/proc/self/fd/${fd}`, O.O_RDONLY)));
    fs.closeSync(fd);
  },
  'a file opened 100 times, written through each, closed in another order': (c) => {
    const path = c.file('f', '.'.repeat(100));
    const fds = Array.from({ length: 100 }, () => fs.openSync(path, O.O_RDWR));
    for (const [i, fd] of fds.entries()) fs.writeSync(fd, 'x', i);
    for (const fd of [...fds].sort((a, b) => ((a * 37) % 101) - ((b * 37) % 101))) fs.closeSync(fd);
    assert.equal(fs.readFileSync(path, 'utf8'), 'x'.repeat(100));
  },
};
