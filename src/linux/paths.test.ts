// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { type TestContext, test } from 'node:test';
import { cstr, inChild, scratch, statBuf, sys, text } from '../../test/helpers/linux.ts';
import { EACCES, EBADF, ELOOP, ENODATA, ENOENT, ERANGE, EROFS } from '../base/errno.ts';
import { S_IFCHR } from '../base/stat.ts';
import { AT_REMOVEDIR, O_DIRECTORY, O_PATH, O_RDONLY, O_RDWR, O_WRONLY, UTIME_OMIT } from '../base/sys.ts';
import { socketpair } from './net.ts';
import { recvWithFd } from './passing.ts';
import { openPathSys } from './paths.ts';
import { sealTree } from './sealed-tree.ts';

const paths = openPathSys();
const asRoot = process.geteuid?.() === 0;

/** A folder with `file`, `link` to it, `dir/inner`. */
function filled(t: TestContext): ReturnType<typeof scratch> {
  const s = scratch(t);
  fs.writeFileSync(s.path('file'), 'hello');
  fs.symlinkSync('file', s.path('link'));
  fs.mkdirSync(s.path('dir'));
  fs.writeFileSync(s.path('dir/inner'), 'inner');
  return s;
}

test('calls by folder and path: readlink, utimens, link, chmod', (t) => {
  const s = filled(t);
  const mem = sys.alloc(256);
  assert.equal(paths.readlinkat(s.fd, cstr('link'), mem, 5, 100), 4);
  assert.equal(text(mem, 5, 4), 'file');
  assert.equal(paths.readlinkat(s.fd, cstr('none'), mem, 0, 100), -ENOENT);
  assert.equal(paths.utimensat(s.fd, cstr('link'), 1, 2, 3, 4), 0);
  assert.equal(paths.utimensat(s.fd, cstr('dir/inner'), 0, UTIME_OMIT, 7, 0), 0);
  assert.equal(Math.floor(fs.lstatSync(s.path('link')).mtimeMs), 3000);
  assert.equal(fs.statSync(s.path('dir/inner')).mtimeMs, 7000);
  assert.ok(fs.statSync(s.path('file')).mtimeMs > 4000);
  assert.equal(paths.linkat(s.fd, cstr('link'), s.fd, cstr('dir/linked')), 0);
  assert.ok(fs.lstatSync(s.path('dir/linked')).isSymbolicLink());
  assert.equal(paths.chmodat(s.fd, cstr('dir/inner'), 0o640), 0);
  assert.equal(fs.statSync(s.path('dir/inner')).mode & 0o7777, 0o640);
  if (!asRoot) return;
  assert.equal(paths.chownat(s.fd, cstr('link'), 5, -1), 0);
  assert.deepEqual([fs.lstatSync(s.path('link')).uid, fs.statSync(s.path('file')).uid], [5, 0]);
});

test('calls from the working folder: attributes, truncate, statfs', (t) => {
  const s = filled(t);
  const before = process.cwd();
  t.after(() => process.chdir(before));
  const mem = sys.alloc(256);
  mem.cstring('value');
  assert.equal(paths.fchdir(s.fd), 0);
  assert.equal(paths.fchdir(-1), -EBADF);
  const set = paths.lsetxattr(cstr('file'), cstr('user.x'), mem, 0, 5, 0);
  if (set === 0) {
    mem.u8.fill(0);
    assert.equal(paths.lgetxattr(cstr('file'), cstr('user.x'), mem, 3, 100), 5);
    assert.equal(text(mem, 3, 5), 'value');
    assert.equal(paths.lgetxattr(cstr('file'), cstr('user.x'), mem, 0, 0), 5);
    assert.equal(paths.lgetxattr(cstr('file'), cstr('user.x'), mem, 0, 2), -ERANGE);
    assert.equal(paths.llistxattr(cstr('file'), mem, 0, 100), 7);
    assert.equal(paths.lremovexattr(cstr('file'), cstr('user.x')), 0);
    assert.equal(paths.lremovexattr(cstr('file'), cstr('user.x')), -ENODATA);
  } else t.diagnostic(`no attributes here: errno ${-set}`);
  assert.equal(paths.truncate(cstr('dir/inner'), 3), 0);
  assert.equal(fs.readFileSync(s.path('dir/inner'), 'utf8'), 'inn');
  const [one, two] = [sys.alloc(120), sys.alloc(120)];
  assert.equal(paths.statfsName(cstr('dir'), one), 0);
  assert.equal(sys.statfs(s.fd, two), 0);
  // f_type, f_bsize, f_blocks
  assert.deepEqual(one.u8.slice(0, 24), two.u8.slice(0, 24));
});

test('an object is opened again, and its mode set, through an open /proc/self/fd', (t) => {
  const s = filled(t);
  const proc = fs.openSync('/proc/self/fd', O_PATH | O_DIRECTORY);
  const object = s.open('file', O_PATH);
  fs.renameSync(s.path('file'), s.path('moved'));
  const fd = paths.reopenVia(proc, object, O_RDONLY);
  assert.ok(fd >= 0);
  assert.equal(fs.readFileSync(fd, 'utf8'), 'hello');
  assert.equal(paths.chmodVia(proc, object, 0o604), 0);
  assert.equal(fs.statSync(s.path('moved')).mode & 0o7777, 0o604);
  assert.equal(paths.reopenVia(proc, 999_999, O_RDONLY), -ENOENT);
  for (const f of [fd, proc]) fs.closeSync(f);
});

test('bytes and a descriptor go through a socket together', (t) => {
  const s = filled(t);
  const pair: [number, number] = [-1, -1];
  assert.equal(socketpair(pair), 0);
  const mem = sys.alloc(16);
  mem.cstring('abcd');
  const file = s.open('file', O_RDONLY);
  const got = { fd: -1 };
  assert.equal(paths.sendWithFd(pair[0], file, mem, 0, 4), 4);
  assert.equal(sys.write(pair[0], mem, 1, 2), 2);
  const into = sys.alloc(16);
  assert.equal(recvWithFd(pair[1], into, 2, 4, got), 4);
  assert.equal(text(into, 2, 4), 'abcd');
  assert.equal(fs.readFileSync(got.fd, 'utf8'), 'hello');
  fs.closeSync(got.fd);
  assert.equal(recvWithFd(pair[1], into, 0, 16, got), 2);
  assert.equal(got.fd, -1);
  for (const fd of pair) fs.closeSync(fd);
});

test("a file's handle on ext2, 3 and 4 holds the generation that FS_IOC_GETVERSION tells", (t) => {
  const s = filled(t);
  const told = spawnSync('lsattr', ['-v', s.path('file')], { encoding: 'utf8' });
  const generation = /^(\d+) /.exec((told.stdout ?? '').trim())?.[1];
  if (generation === undefined)
    return t.skip('the temporary folder has no generations, or lsattr is missing (package e2fsprogs)');
  const mem = sys.alloc(256);
  if (paths.handleAt(s.fd, cstr('file'), mem) !== 12 || mem.dv.getUint32(0, true) !== 1)
    return t.skip('the temporary folder is on another file system than ext2, 3 or 4');
  assert.equal(mem.dv.getUint32(8, true), Number(generation));
});

test('a sealed tree: no symlink, no device, nothing above', { skip: asRoot ? false : 'needs root' }, (t) => {
  const s = filled(t);
  sys.mknodat(s.fd, cstr('device'), S_IFCHR | 0o666, 1, 3);
  const tree = sealTree(s.fd, false);
  if (tree < 0) return t.skip(`this kernel or container makes none: errno ${-tree}`);
  t.after(() => sys.close(tree));
  const [here, stat] = [statBuf(), statBuf()];
  sys.stat(s.fd, here);
  for (const up of ['..', '../..', 'dir/../..', '../../../..']) {
    assert.equal(sys.statat(tree, cstr(up), stat), 0);
    assert.equal(stat.inoLo, here.inoLo, up);
  }
  assert.equal(sys.openat(tree, cstr('link'), O_RDONLY, 0), -ELOOP);
  assert.equal(paths.chmodat(tree, cstr('link'), 0), -ELOOP);
  assert.equal(sys.openat(tree, cstr('device'), O_RDWR, 0), -EACCES);
  assert.equal(sys.mkdirat(tree, cstr('made'), 0o755), 0);
  assert.equal(sys.unlinkat(s.fd, cstr('made'), AT_REMOVEDIR), 0);
  const still = sealTree(s.fd, true);
  assert.equal(sys.mkdirat(still, cstr('made'), 0o755), -EROFS);
  assert.equal(sys.openat(still, cstr('file'), O_WRONLY, 0), -EROFS);
  sys.close(still);
});

test('identity and capabilities of a thread, one after the other', {
  skip: asRoot ? false : 'needs root',
}, () => {
  const told = inChild(`
    const { openPathSys } = await import(modules + 'paths.js');
    const { capabilities } = await import(modules + 'process.js');
    const s = openPathSys();
    const effective = () => Number(capabilities().effective & 0xffn);
    const all = effective();
    const out = [s.setFsGid(5), s.setFsGid(-1), s.setFsUid(6), s.setFsUid(-1), effective() & 0b11111];
    out.push(s.setEffective(0b11000010), effective(), s.setFsUid(0), s.setFsGid(0), effective() & 0b11111, all & 0b11111);
    console.log(JSON.stringify(out));
  `) as number[];
  // setfsuid(2) takes CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER and FSETID away and brings them back.
  assert.deepEqual(told, [0, 5, 0, 6, 0, 0, 0b11000010, 6, 5, told.at(-1), told.at(-1)]);
});
