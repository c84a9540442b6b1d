// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withShare } from '../../test/helpers/share.ts';
import * as E from '../base/errno.ts';
import { GETATTR_ALL, NOFID } from '../p9/constants.ts';
import { Dirent, readDirent } from '../p9/dirent.ts';
import { T } from '../p9/messages.ts';
import { DEFAULT_OPTIONS } from './index.ts';

test('walk, open, read, create, write, list', async () => {
  await withShare({}, async (c, dir) => {
    writeFileSync(join(dir, 'a'), 'hello');
    const w = await c.walk(0, 1, 'a');
    assert.equal(w.errno, 0);
    assert.equal(w.msg.qids[0]?.pathLo, statSync(join(dir, 'a')).ino >>> 0);
    assert.equal((await c.call(T.lopen, { fid: 1, flags: 0 })).errno, 0);
    assert.equal(
      Buffer.from((await c.call(T.read, { fid: 1, offset: 0, count: 100 })).data).toString(),
      'hello',
    );
    assert.equal((await c.call(T.clunk, { fid: 1 })).errno, 0);
    await c.walk(0, 2);
    assert.equal((await c.call(T.lcreate, { fid: 2, name: 'b', flags: 2, mode: 0o640, gid: 0 })).errno, 0);
    assert.equal((await c.call(T.write, { fid: 2, offset: 3, data: 'xyz' })).msg.count, 3);
    assert.deepEqual(readFileSync(join(dir, 'b')), Buffer.from('\0\0\0xyz'));
    assert.equal(statSync(join(dir, 'b')).mode & 0o7777, 0o640);
    const attr = await c.call(T.getattr, { fid: 2, mask: GETATTR_ALL });
    assert.equal(attr.msg.attr.size, 6);
    await c.walk(0, 3);
    await c.call(T.lopen, { fid: 3, flags: 0 });
    const list = await c.call(T.readdir, { fid: 3, offset: 0, count: 8000 });
    const names: string[] = [];
    const e = new Dirent();
    const dv = new DataView(list.data.buffer);
    for (let p = 0; p >= 0 && p < list.data.length; ) {
      p = readDirent(dv, p, list.data.length, e);
      names.push(Buffer.from(list.data.subarray(e.nameOff, e.nameOff + e.nameLen)).toString());
    }
    assert.deepEqual(names.sort(), ['.', '..', 'a', 'b']);
  });
});

test('a symbolic link is an object, never a way', async () => {
  await withShare({}, async (c, dir) => {
    mkdirSync(join(dir, 'd'));
    symlinkSync('/etc', join(dir, 'l'));
    assert.equal((await c.walk(0, 1, 'l')).errno, 0);
    assert.equal((await c.call(T.readlink, { fid: 1 })).msg.name2.text(), '/etc');
    assert.equal((await c.call(T.lopen, { fid: 1, flags: 0 })).errno, E.ELOOP);
    const w = await c.walk(0, 2, 'l', 'passwd');
    assert.equal(w.errno, 0);
    assert.equal(w.msg.nwqid, 1);
    assert.equal((await c.call(T.clunk, { fid: 2 })).errno, E.EBADF);
  });
});

test('`..` stops at the root', async () => {
  await withShare({}, async (c, dir) => {
    mkdirSync(join(dir, 'd'));
    const root = (await c.walk(0, 1, 'd', '..', '..', '..')).msg;
    assert.equal(root.nwqid, 4);
    assert.equal(root.qids[3]?.pathLo, statSync(dir).ino >>> 0);
  });
});

test('descriptors are reclaimed and only the same object is found again', async () => {
  await withShare({ limits: { ...DEFAULT_OPTIONS.limits, descriptors: 64 } }, async (c, dir) => {
    const n = 300;
    for (let i = 0; i < n; i++) writeFileSync(join(dir, `f${i}`), `${i}`);
    for (let i = 0; i < n; i++) assert.equal((await c.walk(0, 1000 + i, `f${i}`)).errno, 0);
    // f0 is replaced by another file, f1 is moved by a program beside us, f2 through the server, f3 is unlinked through it.
    rmSync(join(dir, 'f0'));
    writeFileSync(join(dir, 'f0'), 'impostor');
    assert.equal((await c.call(T.renameat, { fid: 0, name: 'f2', newdirfid: 0, name2: 'g2' })).errno, 0);
    assert.equal((await c.call(T.unlinkat, { fid: 0, name: 'f3', flags: 0 })).errno, 0);
    for (let i = 0; i < n; i++) {
      const r = await c.call(T.lopen, { fid: 1000 + i, flags: 0 });
      if (i === 0) {
        assert.equal(r.errno, E.ESTALE);
        continue;
      }
      assert.equal(r.errno, 0, `f${i}`);
      const data = await c.call(T.read, { fid: 1000 + i, offset: 0, count: 100 });
      assert.equal(Buffer.from(data.data).toString(), `${i}`);
      await c.call(T.clunk, { fid: 1000 + i });
    }
  });
});

test('locks conflict between owners and with other connections, and merge for one', async () => {
  await withShare({}, async (c, dir) => {
    writeFileSync(join(dir, 'a'), 'x');
    for (const fid of [1, 2]) {
      await c.walk(0, fid, 'a');
      await c.call(T.lopen, { fid, flags: 2 });
    }
    const lock = (fid: number, lockType: number, procId: number) =>
      c.call(T.lock, { fid, lockType, flags: 0, start: 0, length: 10, procId, name: 'me' });
    assert.equal((await lock(1, 1, 7)).msg.status, 0);
    assert.equal((await lock(2, 1, 7)).msg.status, 0, 'the same owner by another fid');
    assert.equal((await lock(2, 1, 8)).msg.status, 1, 'another owner');
    const got = await c.call(T.getlock, { fid: 2, lockType: 1, start: 0, length: 0, procId: 8, name: 'me' });
    assert.equal(got.msg.lockType, 1);
    await c.call(T.clunk, { fid: 1 });
    assert.equal((await lock(2, 1, 8)).msg.status, 1, 'held on by the other fid');
    await lock(2, 2, 7);
    assert.equal((await lock(2, 1, 8)).msg.status, 0);
  });
});

test('what has lost its name is no more for a fid that is not open, unless a client may have it open without our knowing', async () => {
  await withShare({}, async (c, dir) => {
    writeFileSync(join(dir, 'file'), 'x');
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    for (const [fid, name] of [
      [1, 'file'],
      [2, 'fifo'],
      [3, 'file'],
    ] as const)
      await c.walk(0, fid, name);
    for (const name of ['file', 'fifo']) rmSync(join(dir, name));
    const ask = (fid: number) => c.call(T.getattr, { fid, mask: GETATTR_ALL });
    assert.equal((await ask(1)).errno, E.ENOENT);
    const fifo = await ask(2);
    assert.deepEqual([fifo.errno, fifo.msg.attr?.nlink], [0, 0]);
    assert.equal((await c.call(T.lopen, { fid: 3, flags: 0 })).errno, 0);
    assert.equal((await ask(1)).errno, 0, 'open elsewhere');
  });
});

test('a read-only share changes nothing', async () => {
  await withShare({ readOnly: true }, async (c, dir) => {
    writeFileSync(join(dir, 'a'), 'x');
    await c.walk(0, 1, 'a');
    assert.equal((await c.call(T.lopen, { fid: 1, flags: 0o1000 })).errno, E.EROFS);
    assert.equal((await c.call(T.setattr, { fid: 1, mask: 1, attr: { mode: 0 } })).errno, E.EROFS);
    assert.equal((await c.call(T.mkdir, { dfid: 0, name: 'd', mode: 0o755, gid: 0 })).errno, E.EROFS);
    assert.equal(readFileSync(join(dir, 'a'), 'utf8'), 'x');
  });
});

test('fsync is answered later, and in the meantime others are', async () => {
  await withShare({}, async (c, dir) => {
    writeFileSync(join(dir, 'a'), 'x');
    await c.walk(0, 1, 'a');
    await c.call(T.lopen, { fid: 1, flags: 2 });
    c.send(c.frame(T.fsync, { fid: 1, datasync: 0 }, 77));
    c.send(c.frame(T.getattr, { fid: 1, mask: GETATTR_ALL }, 78));
    const tags = [(await c.next())?.tag, (await c.next())?.tag].sort();
    assert.deepEqual(tags, [77, 78]);
    assert.equal(
      (await c.call(T.attach, { fid: 5, afid: NOFID, name: '', name2: 'elsewhere', nuname: 0 })).errno,
      E.ENOENT,
    );
  });
});

test('a Tflush of a waiting Tflush is answered after it', async () => {
  await withShare({}, async (c, dir) => {
    writeFileSync(join(dir, 'a'), 'x');
    await c.walk(0, 1, 'a');
    await c.call(T.lopen, { fid: 1, flags: 2 });
    const frames = [
      c.frame(T.fsync, { fid: 1, datasync: 0 }, 7),
      c.frame(T.flush, { oldtag: 7 }, 11),
      c.frame(T.flush, { oldtag: 11 }, 16),
    ];
    c.send(Buffer.concat(frames));
    const tags = [(await c.next())?.tag, (await c.next())?.tag, (await c.next())?.tag];
    assert.deepEqual(tags, [7, 11, 16]);
  });
});
