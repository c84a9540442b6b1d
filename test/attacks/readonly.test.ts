// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { EPERM, EROFS } from '../../src/base/errno.ts';
import { VERSION_EXT } from '../../src/p9/constants.ts';
import { T } from '../../src/p9/messages.ts';
import type { Fields } from '../helpers/raw9p.ts';
import { allowed, hashTree, inArenas, refused } from './arena.ts';

/** Every message that could change something. Fid 0: the root, 1: `file` unopened, 2: `dir`, 3: `to-file` (a symlink), 4: `file` opened for reading. */
const CHANGES: readonly (readonly [string, number, Fields])[] = [
  ['Tlopen O_WRONLY', T.lopen, { fid: 1, flags: 1 }],
  ['Tlopen O_RDWR', T.lopen, { fid: 1, flags: 2 }],
  ['Tlopen O_RDONLY|O_TRUNC', T.lopen, { fid: 1, flags: 0o1000 }],
  ['Tlopen O_WRONLY|O_APPEND', T.lopen, { fid: 1, flags: 0o2001 }],
  ['Tlcreate', T.lcreate, { fid: 0, name: 'new', flags: 0o102, mode: 0o644, gid: 0 }],
  ['Tlcreate O_RDONLY', T.lcreate, { fid: 0, name: 'new', flags: 0o100, mode: 0o644, gid: 0 }],
  ['Tlcreate of what is there, O_TRUNC', T.lcreate, { fid: 0, name: 'file', flags: 0o1000, mode: 0, gid: 0 }],
  ['Tlcreate of what is there, O_WRONLY', T.lcreate, { fid: 0, name: 'file', flags: 1, mode: 0, gid: 0 }],
  ['Tmkdir', T.mkdir, { dfid: 0, name: 'new', mode: 0o755, gid: 0 }],
  ['Tsymlink', T.symlink, { dfid: 0, name: 'new', name2: 'x', gid: 0 }],
  ['Tmknod of a fifo', T.mknod, { dfid: 0, name: 'new', mode: 0o010644, gid: 0 }],
  ['Tmknod of a file', T.mknod, { dfid: 0, name: 'new', mode: 0o100644, gid: 0 }],
  ['Tmknod of a device', T.mknod, { dfid: 0, name: 'new', mode: 0o020644, major: 1, minor: 3, gid: 0 }],
  ['Tlink', T.link, { dfid: 2, fid: 1, name: 'new' }],
  ['Trename', T.rename, { fid: 1, dfid: 0, name: 'new' }],
  ['Trenameat', T.renameat, { fid: 0, name: 'file', newdirfid: 2, name2: 'new' }],
  ['Tunlinkat', T.unlinkat, { fid: 0, name: 'file', flags: 0 }],
  ['Tunlinkat of a folder', T.unlinkat, { fid: 0, name: 'empty', flags: 0x200 }],
  ['Tsetattr MODE', T.setattr, { fid: 1, mask: 0x1, attr: { mode: 0o777 } }],
  ['Tsetattr UID', T.setattr, { fid: 1, mask: 0x2, attr: { uid: 1 } }],
  ['Tsetattr GID', T.setattr, { fid: 1, mask: 0x4, attr: { gid: 1 } }],
  ['Tsetattr SIZE', T.setattr, { fid: 1, mask: 0x8, attr: { size: 0 } }],
  ['Tsetattr SIZE of an open fid', T.setattr, { fid: 4, mask: 0x8, attr: { size: 0 } }],
  ['Tsetattr ATIME', T.setattr, { fid: 1, mask: 0x10 }],
  ['Tsetattr MTIME', T.setattr, { fid: 1, mask: 0x20 }],
  ['Tsetattr both times, given', T.setattr, { fid: 1, mask: 0x1b0, attr: { atimeSec: 1, mtimeSec: 1 } }],
  ['Tsetattr CTIME', T.setattr, { fid: 1, mask: 0x40 }],
  ['Tsetattr of nothing', T.setattr, { fid: 1, mask: 0 }],
  ['Tsetattr of a symlink', T.setattr, { fid: 3, mask: 0x1b0, attr: { atimeSec: 1, mtimeSec: 1 } }],
  ['Txattrcreate', T.xattrcreate, { fid: 1, name: 'user.x', size: 1, flags: 0 }],
  ['Txattrcreate, removing', T.xattrcreate, { fid: 1, name: 'user.kept', size: 0, flags: 2 }],
  ['Twrite to a fid opened for reading', T.write, { fid: 4, offset: 0, data: 'x' }],
  ['Tremove', T.remove, { fid: 1 }],
];

/** Refused, but not with EROFS: the fid could not have written anyway, or nothing was asked for. */
const OTHER_ERRNO = new Set(['Twrite to a fid opened for reading', 'Tsetattr of nothing']);

test('a read-only share is not changed by any message', async (t) => {
  await inArenas(t, ['--read-only'], async (t, arena) => {
    for (const [words, type, fields] of CHANGES)
      await t.test(words, async () => {
        const c = await arena.begin();
        for (const [fid, name] of [
          [1, 'file'],
          [2, 'dir'],
          [3, 'to-file'],
          [4, 'file'],
        ] as const)
          await allowed(c, T.walk, { fid: 0, newfid: fid, names: [name] });
        await allowed(c, T.lopen, { fid: 4, flags: 0 });
        const before = hashTree(arena.share);
        const r = await c.call(type, fields);
        if (!OTHER_ERRNO.has(words)) assert.equal(r.errno, EROFS);
        if (type === T.xattrcreate) await c.call(T.clunk, { fid: 1 });
        assert.equal(hashTree(arena.share), before);
      });
    await t.test('reading, listing and asking go on', async () => {
      const c = await arena.begin();
      await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['file'] });
      await allowed(c, T.lopen, { fid: 1, flags: 0 });
      const read = await allowed(c, T.read, { fid: 1, offset: 0, count: 100 });
      assert.equal(Buffer.from(read.data).toString(), 'in the share');
      await allowed(c, T.walk, { fid: 0, newfid: 2, names: [] });
      await allowed(c, T.lopen, { fid: 2, flags: 0o200000 });
      assert.ok((await allowed(c, T.readdir, { fid: 2, offset: 0, count: 8000 })).data.length > 0);
      await allowed(c, T.statfs, { fid: 1 });
    });
    await t.test('a lock changes nothing on disk', async () => {
      const c = await arena.begin();
      await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['file'] });
      await allowed(c, T.lopen, { fid: 1, flags: 0 });
      const before = hashTree(arena.share);
      for (const lockType of [0, 1, 2])
        await c.call(T.lock, { fid: 1, lockType, flags: 0, start: 0, length: 0, procId: 1, name: 'x' });
      assert.equal(hashTree(arena.share), before);
    });
  });
});

test('operations that are denied by name are refused before they do anything', async (t) => {
  await inArenas(t, ['--deny', 'unlinkat,remove,symlink,renameat,rename'], async (_t, arena) => {
    const c = await arena.begin();
    const before = hashTree(arena.share);
    await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['file'] });
    await refused(c, T.unlinkat, { fid: 0, name: 'file', flags: 0 });
    await refused(c, T.symlink, { dfid: 0, name: 'new', name2: 'x', gid: 0 });
    await refused(c, T.renameat, { fid: 0, name: 'file', newdirfid: 0, name2: 'new' });
    await refused(c, T.rename, { fid: 1, dfid: 0, name: 'new' });
    await refused(c, T.remove, { fid: 1 });
    assert.equal(hashTree(arena.share), before);
  });
});

test('what is denied by its 9P2000.L name is not to be had through Ninefold\u2019s own messages', async (t) => {
  await inArenas(t, ['--deny', 'readdir,walk,getattr'], async (_t, arena) => {
    const c = await arena.begin(VERSION_EXT);
    await allowed(c, T.lopen, { fid: 0, flags: 0o200000 });
    for (const type of [T.readdir, T.readdirplus])
      await refused(c, type, { fid: 0, offset: 0, count: 8000 }, EPERM);
    await refused(c, T.getattr, { fid: 0, mask: 0x7ff }, EPERM);
    await refused(c, T.lookup, { fid: 0, name: 'file' }, EPERM);
  });
});

test('--no-symlinks shows none and makes none', async (t) => {
  await inArenas(t, ['--no-symlinks'], async (_t, arena) => {
    const c = await arena.begin(VERSION_EXT);
    for (const name of ['to-file', 'to-dir', 'loop']) assert.notEqual((await c.walk(0, 1, name)).errno, 0);
    await refused(c, T.symlink, { dfid: 0, name: 'new', name2: 'x', gid: 0 });
    await allowed(c, T.walk, { fid: 0, newfid: 2, names: [] });
    await allowed(c, T.lopen, { fid: 2, flags: 0o200000 });
    const r = await allowed(c, T.readdir, { fid: 2, offset: 0, count: 60_000 });
    const plus = await allowed(c, T.readdirplus, { fid: 2, offset: 0, count: 60_000 });
    for (const data of [r.data, plus.data]) {
      const listing = Buffer.from(data).toString('latin1');
      assert.ok(listing.includes('file'));
      assert.ok(!listing.includes('to-file') && !listing.includes('loop'), 'a symlink is listed');
    }
    await refused(c, T.lookup, { fid: 0, name: 'to-file' });
    assert.ok(fs.lstatSync(`${arena.share}/to-file`).isSymbolicLink());
  });
});
