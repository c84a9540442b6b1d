// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { cstr, scratch, statBuf, sys, text } from '../../test/helpers/linux.ts';
import {
  EACCES,
  EBADF,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOSYS,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EXDEV,
} from '../base/errno.ts';
import { S_IFCHR, S_IFIFO } from '../base/stat.ts';
import {
  AT_REMOVEDIR,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
} from '../base/sys.ts';

const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;

test('openat: its errors and its flags', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('f'), 'x');
  symlinkSync('f', s.path('l'));
  assert.equal(sys.openat(s.fd, cstr('none'), O_RDONLY, 0), -ENOENT);
  assert.equal(sys.openat(s.fd, cstr('f'), O_CREAT | O_EXCL, 0o600), -EEXIST);
  assert.equal(sys.openat(s.fd, cstr('l'), O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
  assert.equal(sys.openat(s.fd, cstr('f'), O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
  assert.equal(sys.openat(s.fd, cstr('.'), O_RDWR, 0), -EISDIR);
  assert.equal(sys.openat(s.fd, cstr('n'.repeat(256)), O_RDONLY, 0), -ENAMETOOLONG);
  s.open('made', O_RDWR | O_CREAT, 0o640);
  assert.equal(lstatSync(s.path('made')).mode & 0o777, 0o640 & ~process.umask());
});

test('openat2 keeps what it resolves below the folder', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('f'), 'x');
  symlinkSync('f', s.path('l'));
  const fd = sys.openat2(s.fd, cstr('f'), O_RDONLY, 0, RESOLVE_BENEATH);
  if (fd === -ENOSYS) return t.skip('needs Linux 5.6');
  assert.ok(fd > 2);
  sys.close(fd);
  assert.equal(sys.openat2(s.fd, cstr('../x'), O_RDONLY, 0, RESOLVE_BENEATH), -EXDEV);
  assert.equal(sys.openat2(s.fd, cstr('/etc'), O_RDONLY, 0, RESOLVE_BENEATH), -EXDEV);
  assert.equal(sys.openat2(s.fd, cstr('l'), O_RDONLY, 0, RESOLVE_NO_SYMLINKS), -ELOOP);
});

test('reopen gives access to the object itself, also after its name is gone', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('f'), 'content');
  const p = s.open('f', O_PATH | O_NOFOLLOW);
  assert.equal(sys.unlinkat(s.fd, cstr('f'), 0), 0);
  writeFileSync(s.path('f'), 'another');
  const fd = sys.reopen(p, O_RDWR | O_NOFOLLOW);
  assert.ok(fd > 2, `${fd}`);
  const m = sys.alloc(16);
  assert.equal(sys.read(fd, m, 0, 16), 7);
  assert.equal(text(m, 0, 7), 'content');
  sys.close(fd);
  assert.equal(sys.reopen(1_000_000, O_RDONLY), -ENOENT);
  assert.equal(sys.reopen(-1, O_RDONLY), -ENOENT);
  symlinkSync('f', s.path('l'));
  assert.equal(sys.reopen(s.open('l', O_PATH | O_NOFOLLOW), O_RDONLY), -ELOOP);
});

test('mkdirat, unlinkat and renameat', (t) => {
  const s = scratch(t);
  assert.equal(sys.mkdirat(s.fd, cstr('d'), 0o700), 0);
  assert.equal(sys.mkdirat(s.fd, cstr('d'), 0o700), -EEXIST);
  writeFileSync(s.path('d/f'), '1');
  assert.equal(sys.unlinkat(s.fd, cstr('d'), 0), -EISDIR);
  assert.equal(sys.unlinkat(s.fd, cstr('d'), AT_REMOVEDIR), -ENOTEMPTY);
  const d = s.open('d', O_PATH);
  writeFileSync(s.path('g'), '2');
  assert.equal(sys.renameat(d, cstr('f'), s.fd, cstr('g'), RENAME_NOREPLACE), -EEXIST);
  assert.equal(sys.renameat(d, cstr('f'), s.fd, cstr('g'), RENAME_EXCHANGE), 0);
  assert.equal(readFileSync(s.path('g'), 'utf8'), '1');
  assert.equal(sys.renameat(d, cstr('f'), s.fd, cstr('g'), 0), 0);
  assert.equal(readFileSync(s.path('g'), 'utf8'), '2');
  assert.equal(sys.renameat(d, cstr('f'), s.fd, cstr('g'), 0), -ENOENT);
  assert.equal(sys.unlinkat(s.fd, cstr('d'), AT_REMOVEDIR), 0);
  assert.ok(!existsSync(s.path('d')));
});

test('fifos, sockets and, as root, devices', (t) => {
  const s = scratch(t);
  assert.equal(sys.mknodat(s.fd, cstr('p'), S_IFIFO | 0o600, 0, 0), 0);
  assert.ok(lstatSync(s.path('p')).isFIFO());
  const r = sys.mknodat(s.fd, cstr('c'), S_IFCHR | 0o600, 0x123, 0x45678);
  if (r === -EPERM) return t.skip('devices need CAP_MKNOD');
  assert.equal(r, 0);
  const st = statBuf();
  assert.equal(sys.statat(s.fd, cstr('c'), st), 0);
  assert.equal(st.rdevMajor, 0x123);
  assert.equal(st.rdevMinor, 0x45678);
});

test('symlinks are made and read as they are', (t) => {
  const s = scratch(t);
  assert.equal(sys.symlinkat(cstr('../x y/ü'), s.fd, cstr('l')), 0);
  assert.equal(readlinkSync(s.path('l')), '../x y/ü');
  const l = s.open('l', O_PATH | O_NOFOLLOW);
  const m = sys.alloc(64);
  const n = sys.readlinkFd(l, m, 4, 60);
  assert.equal(text(m, 4, n), '../x y/ü');
  assert.equal(sys.readlinkFd(s.fd, m, 0, 64), -ENOENT);
  assert.equal(sys.symlinkat(cstr(''), s.fd, cstr('e')), -ENOENT);
});

test('linkFd links the object behind a descriptor, a symlink itself too', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('f'), 'x');
  symlinkSync('f', s.path('l'));
  assert.equal(sys.linkFd(s.open('f', O_PATH), s.fd, cstr('f2')), 0);
  assert.equal(lstatSync(s.path('f2')).ino, lstatSync(s.path('f')).ino);
  assert.equal(sys.linkFd(s.open('l', O_PATH | O_NOFOLLOW), s.fd, cstr('l2')), 0);
  assert.equal(lstatSync(s.path('l2')).ino, lstatSync(s.path('l')).ino);
  assert.equal(sys.linkFd(s.open('f', O_PATH), s.fd, cstr('f2')), -EEXIST);
  const d = sys.linkFd(s.fd, s.fd, cstr('d2'));
  assert.ok(d === -EPERM || d === -EACCES, `${d}`);
});

// An ordinary user cannot open as one user and link as another. The root's runs (all of CI's) do.
const asAnother = process.geteuid?.() === 0 ? {} : { skip: 'needs root, to act as another user' };

test('linkFd links what somebody else has opened, too', asAnother, (t) => {
  const s = scratch(t);
  chmodSync(s.path('.'), 0o777);
  writeFileSync(s.path('f'), 'x');
  chmodSync(s.path('f'), 0o666);
  const fd = s.open('f', O_PATH);
  assert.equal(sys.setFsIdentity(64_101, 64_101, []), 0);
  const linked = sys.linkFd(fd, s.fd, cstr('f2'));
  sys.setFsIdentity(0, 0, process.getgroups?.() ?? []);
  assert.equal(linked, 0);
  assert.equal(lstatSync(s.path('f2')).ino, lstatSync(s.path('f')).ino);
});

test('fdPath is where the object is now', (t) => {
  const s = scratch(t);
  mkdirSync(s.path('a'));
  const fd = s.open('a', O_PATH);
  assert.equal(sys.renameat(s.fd, cstr('a'), s.fd, cstr('b'), 0), 0);
  const m = sys.alloc(4096);
  const n = sys.fdPath(fd, m);
  assert.equal(text(m, 0, n), s.path('b'));
  assert.equal(sys.fdPath(1_000_000, m), -ENOENT);
  assert.ok([-EBADF, -EINVAL, -ENOENT].includes(sys.readlinkFd(-1, m, 0, 10)));
});
