// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { cstr, scratch, statBuf, sys, text } from '../../test/helpers/linux.ts';
import { EAGAIN, EBADF, EINVAL, EISDIR, ENOTSOCK, EOPNOTSUPP, ESPIPE } from '../base/errno.ts';
import { O_CREAT, O_DIRECT, O_DIRECTORY, O_RDONLY, O_RDWR } from '../base/sys.ts';
import { pipe, socketpair } from './net.ts';

const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;

test('read, write, pread, pwrite, writev and lseek on one file', (t) => {
  const s = scratch(t);
  const fd = s.open('f', O_RDWR | O_CREAT);
  const a = cstr('hello world');
  assert.equal(sys.write(fd, a, 0, 5), 5);
  assert.equal(sys.write2(fd, a, 5, 6, a, 0, 5), 11);
  assert.equal(sys.write2(fd, a, 0, 0, a, 0, 1), 1);
  assert.equal(sys.pwrite(fd, a, 0, 1, 0), 1);
  assert.equal(readFileSync(s.path('f'), 'utf8'), 'hello worldhelloh');
  assert.equal(sys.lseek(fd, 6, 0), 6);
  const b = sys.alloc(32);
  assert.equal(sys.read(fd, b, 3, 5), 5);
  assert.equal(text(b, 3, 5), 'world');
  assert.equal(sys.pread(fd, b, 0, 32, 11), 6);
  assert.equal(text(b, 0, 6), 'helloh');
  assert.equal(sys.pread(fd, b, 0, 32, 100), 0);
});

test('offsets beyond 4 GiB and beyond 2^53', (t) => {
  const s = scratch(t);
  const fd = s.open('f', O_RDWR | O_CREAT);
  const a = cstr('x');
  const far = 5 * 2 ** 30 + 3;
  assert.equal(sys.pwrite(fd, a, 0, 1, far), 1);
  assert.equal(statSync(s.path('f')).size, far + 1);
  assert.equal(sys.lseek(fd, 0, 2), far + 1);
  assert.equal(sys.pread(fd, sys.alloc(2), 0, 2, 2n ** 62n), 0);
  assert.equal(sys.pread(fd, sys.alloc(2), 0, 2, -1), -EINVAL);
  assert.equal(sys.ftruncate(fd, 6 * 2 ** 30), 0);
  assert.equal(statSync(s.path('f')).size, 6 * 2 ** 30);
  assert.equal(sys.ftruncate(fd, 3n), 0);
  assert.equal(statSync(s.path('f')).size, 3);
});

test('errno is that of the call', (t) => {
  const s = scratch(t);
  const dir = s.open('.', O_RDONLY | O_DIRECTORY);
  const m = sys.alloc(64);
  assert.equal(sys.read(-1, m, 0, 1), -EBADF);
  assert.equal(sys.read(dir, m, 0, 1), -EISDIR);
  assert.equal(sys.pread(dir, m, 0, 1, 0), -EISDIR);
  assert.equal(sys.send(dir, m, 0, 1), -ENOTSOCK);
  assert.equal(sys.fsync(1_000_000), -EBADF);
  assert.equal(sys.fdatasync(-1), -EBADF);
  assert.equal(sys.close(-1), -EBADF);
  assert.equal(sys.getdents(-1, m, 0, 64), -EBADF);
});

test('preadNowait gives what is in memory, or says EAGAIN or EOPNOTSUPP', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('f'), 'cached');
  const fd = s.open('f', O_RDONLY);
  const m = sys.alloc(16);
  const r = sys.preadNowait(fd, m, 0, 16, 0);
  assert.ok(r === 6 || r === -EAGAIN || r === -EOPNOTSUPP, `${r}`);
  if (r === 6) assert.equal(text(m, 0, 6), 'cached');
  assert.equal(sys.preadNowait(-1, m, 0, 16, 0), -EBADF);
});

test('send and recv never block and never raise SIGPIPE', () => {
  const pair: [number, number] = [-1, -1];
  assert.equal(socketpair(pair), 0);
  const [a, b] = pair;
  const m = cstr('ping');
  assert.equal(sys.recv(b, m, 0, 4), -EAGAIN);
  assert.equal(sys.send(a, m, 0, 4), 4);
  const out = sys.alloc(8);
  assert.equal(sys.recv(b, out, 2, 6), 4);
  assert.equal(text(out, 2, 4), 'ping');
  sys.close(b);
  assert.equal(sys.send(a, m, 0, 4), -32);
  sys.close(a);
});

test('sendfile and copy_file_range move bytes from a position', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('a'), '0123456789');
  const a = s.open('a', O_RDONLY);
  const b = s.open('b', O_RDWR | O_CREAT);
  assert.equal(sys.copyFileRange(a, 2, b, 1, 5), 5);
  assert.equal(readFileSync(s.path('b'), 'latin1'), '\x0023456');
  const ends: [number, number] = [-1, -1];
  assert.equal(pipe(ends), 0);
  assert.equal(sys.sendfile(ends[1], a, 7, 10), 3);
  const m = sys.alloc(8);
  assert.equal(sys.read(ends[0], m, 0, 8), 3);
  assert.equal(text(m, 0, 3), '789');
  assert.equal(sys.lseek(ends[0], 0, 0), -ESPIPE);
  sys.close(ends[0]);
  sys.close(ends[1]);
});

test('fallocate punches holes without moving the end', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('f'), Buffer.alloc(8192, 1));
  const fd = s.open('f', O_RDWR);
  const r = sys.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
  if (r === -EOPNOTSUPP) return t.skip('the file system below the temporary folder has no holes');
  assert.equal(r, 0);
  const bytes = readFileSync(s.path('f'));
  assert.equal(bytes.length, 8192);
  assert.equal(bytes[0], 0);
  assert.equal(bytes[4096], 1);
});

test('getdents returns every name once, then 0', (t) => {
  const s = scratch(t);
  for (let i = 0; i < 50; i++) writeFileSync(s.path(`n${i}`), '');
  const fd = s.open('.', O_RDONLY | O_DIRECTORY);
  const m = sys.alloc(512);
  const names: string[] = [];
  for (let rounds = 0; rounds < 100; rounds++) {
    const n = sys.getdents(fd, m, 0, 512);
    assert.ok(n >= 0, `${n}`);
    if (n === 0) break;
    for (let p = 0; p < n; p += m.dv.getUint16(p + 16, true)) {
      names.push(text(m, p + 19, m.u8.indexOf(0, p + 19) - p - 19));
    }
  }
  assert.equal(names.length, 52);
  assert.equal(new Set(names).size, 52);
});

test('descriptors are close-on-exec, duplicates too', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('f'), '');
  const fd = s.open('f', O_RDONLY);
  const copy = sys.dup(fd);
  assert.ok(copy > 2);
  const child = spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' });
  assert.ok(!child.stdout.includes(s.dir), child.stdout);
  assert.equal(sys.close(copy), 0);
  assert.equal(sys.dup(copy), -EBADF);
});

test('fsync, fdatasync and O_DIRECT from an aligned block', (t) => {
  const s = scratch(t);
  const fd = s.open('f', O_RDWR | O_CREAT);
  assert.equal(sys.write(fd, cstr('durable'), 0, 7), 7);
  assert.equal(sys.fsync(fd), 0);
  assert.equal(sys.fdatasync(fd), 0);
  const direct = sys.openat(s.fd, cstr('f'), O_RDONLY | O_DIRECT, 0);
  if (direct === -EINVAL) return t.skip('the file system below the temporary folder has no O_DIRECT');
  const m = sys.alloc(4096);
  assert.equal(sys.pread(direct, m, 0, 4096, 0), 7);
  sys.close(direct);
  const st = statBuf();
  assert.equal(sys.stat(fd, st), 0);
  assert.equal(st.size, 7);
});
