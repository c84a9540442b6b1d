// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { lstatSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { cstr, scratch, statBuf, sys } from '../../test/helpers/linux.ts';
import { EBADF, EINVAL, ENOENT, EOPNOTSUPP, EOVERFLOW } from '../base/errno.ts';
import { O_CREAT, O_NOFOLLOW, O_PATH, O_RDWR, UTIME_NOW, UTIME_OMIT } from '../base/sys.ts';

test('statx of a name and of a descriptor agree with Node', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('f'), '12345');
  symlinkSync('f', s.path('l'));
  const st = statBuf();
  assert.equal(sys.statat(s.fd, cstr('l'), st), 0);
  assert.ok(st.isSymlink);
  assert.equal(sys.statat(s.fd, cstr('f'), st), 0);
  const node = lstatSync(s.path('f'), { bigint: true });
  assert.ok(st.isFile);
  assert.equal(st.size, 5);
  assert.equal((BigInt(st.inoHi) << 32n) | BigInt(st.inoLo), node.ino);
  assert.equal(st.mode, Number(node.mode));
  assert.equal(BigInt(st.mtimeSecLo) * 1_000_000_000n + BigInt(st.mtimeNsec), node.mtimeNs);
  const before = st.inoLo;
  assert.equal(sys.stat(s.open('f', O_PATH), st), 0);
  assert.equal(st.inoLo, before);
  assert.equal(sys.stat(s.fd, st), 0);
  assert.ok(st.isDir);
  assert.equal(sys.stat(-1, st), -EBADF);
  assert.equal(sys.statat(s.fd, cstr('none'), st), -ENOENT);
});

test('statfs works on an O_PATH descriptor', (t) => {
  const s = scratch(t);
  const m = sys.alloc(120);
  assert.equal(sys.statfs(s.fd, m), 0);
  assert.ok(Number(m.dv.getBigInt64(8, true)) >= 512, 'f_bsize');
  assert.throws(() => sys.statfs(s.fd, sys.alloc(119)), RangeError);
});

test('chmod reaches an O_PATH descriptor and refuses a symlink', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('f'), '');
  symlinkSync('f', s.path('l'));
  assert.equal(sys.chmodFd(s.open('f', O_PATH), 0o4711), 0);
  assert.equal(lstatSync(s.path('f')).mode & 0o7777, 0o4711);
  assert.equal(sys.chmodFd(s.open('l', O_PATH | O_NOFOLLOW), 0o600), -EOPNOTSUPP);
  assert.equal(lstatSync(s.path('f')).mode & 0o7777, 0o4711);
  assert.equal(sys.chmodFd(-1, 0o600), -EBADF);
});

test('chown reaches O_PATH descriptors and symlinks; -1 leaves an id', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('f'), '');
  symlinkSync('f', s.path('l'));
  const f = s.open('f', O_PATH);
  assert.equal(sys.chownFd(f, -1, -1), 0);
  if (sys.geteuid() !== 0) return t.skip('giving files away needs root');
  assert.equal(sys.chownFd(f, 65534, -1), 0);
  assert.equal(lstatSync(s.path('f')).uid, 65534);
  assert.equal(lstatSync(s.path('f')).gid, 0);
  assert.equal(sys.chownFd(f, 4294967294, 4294967293), 0);
  assert.equal(lstatSync(s.path('f')).uid, 4294967294);
  assert.equal(lstatSync(s.path('f')).gid, 4294967293);
  assert.equal(sys.chownFd(s.open('l', O_PATH | O_NOFOLLOW), 1, 2), 0);
  assert.equal(lstatSync(s.path('l')).uid, 1);
  assert.equal(lstatSync(s.path('f')).uid, 4294967294);
});

test('times: exact, before 1970, now, and left alone', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('f'), '');
  symlinkSync('f', s.path('l'));
  const f = s.open('f', O_PATH);
  assert.equal(sys.utimensFd(f, 1_000_000_000, 5, -7, 999_999_999), 0);
  const st = statBuf();
  sys.stat(f, st);
  assert.deepEqual([st.atimeSecLo, st.atimeNsec], [1_000_000_000, 5]);
  assert.deepEqual([st.mtimeSecHi, st.mtimeSecLo, st.mtimeNsec], [0xffffffff, 0xfffffff9, 999_999_999]);
  assert.equal(sys.utimensFd(f, 0, UTIME_OMIT, 0, UTIME_NOW), 0);
  sys.stat(f, st);
  assert.equal(st.atimeSecLo, 1_000_000_000);
  assert.ok(Math.abs(st.mtimeSecLo - Date.now() / 1000) < 60);
  assert.equal(sys.utimensFd(f, 0, 1_000_000_000, 0, 0), -EINVAL);
  assert.equal(sys.utimensFd(s.open('l', O_PATH | O_NOFOLLOW), 1n, 0, 2n, 0), 0);
  assert.equal(lstatSync(s.path('l')).mtimeMs, 2000);
  assert.notEqual(lstatSync(s.path('f')).mtimeMs, 2000);
});

test('a file handle is the same for one object and another for the next', (t) => {
  const s = scratch(t);
  const m = [sys.alloc(132), sys.alloc(132), sys.alloc(132)] as const;
  const a = s.open('a', O_RDWR | O_CREAT);
  const b = s.open('b', O_RDWR | O_CREAT);
  const n = sys.fileHandle(a, m[0]);
  if (n === -EOPNOTSUPP) return t.skip('the file system below the temporary folder has no file handles');
  assert.ok(n > 4, `${n}`);
  assert.equal(sys.fileHandle(s.open('a', O_PATH), m[1]), n);
  assert.deepEqual(m[0].u8, m[1].u8);
  assert.ok(sys.fileHandle(b, m[2]) > 4);
  assert.notDeepEqual(m[0].u8, m[2].u8);
  assert.equal(sys.fileHandle(a, sys.alloc(4)), -EOVERFLOW);
  assert.equal(sys.fileHandle(-1, m[0]), -EBADF);
});
