// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { describe, test } from 'node:test';
import { EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } from '../../../src/base/errno.ts';
import type { ProxyName } from '../../../src/proxyfs/messages.ts';
import type { ProxyFields } from '../../helpers/raw-proxy.ts';
import { cannotAttack, inProxyArenas } from './arena.ts';

/** Every request that names an object, with that path; the ones that make something come first. */
const WITH: readonly (readonly [ProxyName, (path: string) => ProxyFields])[] = [
  ['create', (path) => ({ path, flags: 0o101, mode: 0o644 })],
  ['mkdir', (path) => ({ path, mode: 0o755 })],
  ['mknod', (path) => ({ path, mode: 0o100644 })],
  ['symlink', (path) => ({ path, path2: 'x' })],
  ['link', (path) => ({ path: '/file', path2: path })],
  ['link', (path) => ({ path, path2: '/linked' })],
  ['rename', (path) => ({ path: '/file', path2: path })],
  ['rename', (path) => ({ path, path2: '/stolen' })],
  ['open', (path) => ({ path, flags: 0 })],
  ['open', (path) => ({ path, flags: 0o1001 })],
  ['open', (path) => ({ path, flags: 0o200000 })],
  ['lstat', (path) => ({ path })],
  ['statfs', (path) => ({ path })],
  ['readlink', (path) => ({ path, size: 4096 })],
  ['chmod', (path) => ({ path, mode: 0o777 })],
  ['chown', (path) => ({ path, uid: 64_101, gid: 64_101 })],
  ['truncate', (path) => ({ path, length: 0 })],
  ['utime', (path) => ({ path, atimeSec: 1, mtimeSec: 1 })],
  ['lgetxattr', (path) => ({ path, name: 'user.secret', size: 4096 })],
  ['llistxattr', (path) => ({ path, size: 4096 })],
  ['lsetxattr', (path) => ({ path, name: 'user.planted', value: 'x', size: 1 })],
  ['lremovexattr', (path) => ({ path, name: 'user.secret' })],
  ['getversion', (path) => ({ path })],
  ['remove', (path) => ({ path })],
];

const UP = [
  '/../secret',
  '../secret',
  '/../canary/secret',
  '/dir/../../secret',
  '/dir/sub/../../../secret',
  '//..//..//..//..//..//..//etc/hostname',
  '/..',
  '/../planted',
  '/dir/../../canary/planted',
  '/./.././secret',
];

/** Through a symlink on the way. */
const THROUGH = [
  'to-dir/inner',
  'to-canary/secret',
  'to-abs/secret',
  'to-root/etc/hostname',
  'to-proc/etc/hostname',
];

describe('paths of a raw peer', { skip: cannotAttack() }, () => {
  test('`..` stops at the root of the export, in every request', async (t) => {
    await inProxyArenas(t, (a) => {
      for (const path of UP)
        for (const [type, fields] of WITH) {
          a.ask(type, fields(path));
          a.untouched();
        }
    });
  });

  test('`..` is where it always was: the folder above, at most the root', async (t) => {
    await inProxyArenas(t, (a) => {
      const ino = (path: string): string => a.allowed('lstat', { path }).payload.toString('hex', 8, 16);
      assert.equal(ino('/dir/sub/..'), ino('/dir'));
      assert.equal(ino('/..'), ino('/'));
      assert.equal(ino('/dir/../../../file'), ino('/file'));
    });
  });

  test('no symbolic link on the way is followed, in any request', async (t) => {
    await inProxyArenas(t, (a) => {
      for (const path of THROUGH)
        for (const [type, fields] of WITH) a.refused(type, fields(`/${path}`), ELOOP, ENOTDIR);
      assert.equal(fs.readFileSync(`${a.share}/dir/inner`, 'utf8'), 'inner');
    });
  });

  test('no symbolic link at the end is followed', async (t) => {
    await inProxyArenas(t, (a) => {
      for (const link of ['to-file', 'to-dir', 'to-secret', 'to-abs-file', 'to-root', 'loop']) {
        const path = `/${link}`;
        for (const flags of [0, 1, 0o1001, 0o200000, 0o400000])
          a.refused('open', { path, flags }, ELOOP, ENOTDIR);
        for (const flags of [0o101, 0o1101]) a.refused('create', { path, flags, mode: 0o644 }, ELOOP);
        a.refused('chmod', { path, mode: 0 }, ELOOP);
        a.refused('truncate', { path, length: 0 }, ELOOP);
        a.refused('lgetxattr', { path, name: 'user.secret', size: 100 });
        a.allowed('chown', { path, uid: 64_101, gid: 64_101 });
        a.allowed('utime', { path, atimeSec: 5, mtimeSec: 7 });
      }
      assert.equal(fs.readFileSync(`${a.share}/file`, 'utf8'), 'in the share');
      assert.equal(fs.statSync(`${a.share}/file`).uid, 0);
      assert.equal(fs.lstatSync(`${a.share}/to-file`).uid, 64_101);
    });
  });

  test('NUL, nothing, and too much', async (t) => {
    await inProxyArenas(t, (a) => {
      a.refused('lstat', { path: '' }, ENOENT);
      a.refused('lstat', { path: '/file\0/../secret' }, EINVAL);
      a.refused('remove', { path: '/file\0x' }, EINVAL);
      a.refused('symlink', { path: '/new', path2: 'a\0b' }, EINVAL);
      a.refused('symlink', { path: '/new', path2: '' }, ENOENT);
      a.refused('lstat', { path: `/${'x'.repeat(256)}` }, ENAMETOOLONG);
      a.refused('lstat', { path: '/dir/'.repeat(1000) }, ENAMETOOLONG);
      a.refused('lstat', { path: `/${'y/'.repeat(32_000)}` }, ENAMETOOLONG);
      a.refused('symlink', { path: '/new', path2: 'x'.repeat(4096) }, ENAMETOOLONG);
      a.refused('lgetxattr', { path: '/file', name: `user.${'x'.repeat(300)}`, size: 10 });
      // QEMU counts the NUL at the end of some of its paths.
      a.allowed('lstat', { path: '/file\0' });
    });
  });

  test('the root itself is neither removed, renamed nor replaced', async (t) => {
    await inProxyArenas(t, (a) => {
      for (const path of ['/', '/.', '//', '/dir/..']) {
        a.refused('remove', { path });
        a.refused('rename', { path, path2: '/moved' });
        a.refused('rename', { path: '/empty', path2: path });
        a.refused('mkdir', { path, mode: 0o755 });
        a.refused('link', { path, path2: '/linked' });
      }
    });
  });
});
