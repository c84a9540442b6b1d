// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { EBADF, EINVAL, EMFILE, ENFILE, ENOSPC, EOPNOTSUPP } from '../../src/base/errno.ts';
import { NOFID, NOTAG, VERSION_EXT } from '../../src/p9/constants.ts';
import { T } from '../../src/p9/messages.ts';
import { scratch } from '../helpers/places.ts';
import type { Raw9p } from '../helpers/raw9p.ts';
import { type Served, startQfsd } from '../helpers/server.ts';
import { allowed, inArenas, refused, SANDBOXES } from './arena.ts';

/** A frame of that size field, type and tag, with whatever body. */
function rawFrame(size: number, type: number, tag: number, body: Uint8Array = new Uint8Array()): Buffer {
  const b = Buffer.alloc(7 + body.length);
  b.writeUInt32LE(size >>> 0, 0);
  b.writeUInt8(type, 4);
  b.writeUInt16LE(tag, 5);
  b.set(body, 7);
  return b;
}

/** Resident memory of a process and its children, in MiB. */
function memory(pid: number): number {
  const status = (p: number): string => {
    try {
      return fs.readFileSync(`/proc/${p}/status`, 'utf8');
    } catch {
      return '';
    }
  };
  const children = (p: number): number[] => {
    try {
      return fs.readFileSync(`/proc/${p}/task/${p}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    } catch {
      return [];
    }
  };
  const own = Number(/VmRSS:\s+(\d+)/.exec(status(pid))?.[1] ?? 0) / 1024;
  return own + children(pid).reduce((sum, child) => sum + memory(child), 0);
}

test('fids are capped, and given back by clunk', async (t) => {
  await inArenas(t, ['--max-fids', '100'], async (_t, arena) => {
    const c = await arena.begin();
    for (let fid = 1; fid < 100; fid++) await allowed(c, T.walk, { fid: 0, newfid: fid, names: [] });
    await refused(c, T.walk, { fid: 0, newfid: 100, names: [] }, EMFILE, ENFILE);
    await refused(c, T.attach, { fid: 100, afid: NOFID, name: '', name2: '', nuname: 0 }, EMFILE, ENFILE);
    await refused(c, T.xattrwalk, { fid: 0, newfid: 100, name: '' }, EMFILE, ENFILE);
    await allowed(c, T.clunk, { fid: 50 });
    await allowed(c, T.walk, { fid: 0, newfid: 100, names: [] });
    // What failed left nothing behind.
    await refused(c, T.clunk, { fid: 101 }, EBADF);
  });
});

test('a fid in use is not taken again, and NOFID is none', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    arena.fill();
    const c = await arena.begin();
    await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['file'] });
    await allowed(c, T.lopen, { fid: 1, flags: 0 });
    for (const number of [1, 0, NOFID]) {
      // A walk onto itself is allowed.
      if (number !== 0) await refused(c, T.walk, { fid: 0, newfid: number, names: [] }, EBADF, EINVAL);
      await refused(c, T.attach, { fid: number, afid: NOFID, name: '', name2: '', nuname: 0 }, EBADF, EINVAL);
      await refused(c, T.xattrwalk, { fid: 0, newfid: number, name: '' }, EBADF, EINVAL);
    }
    const r = await allowed(c, T.read, { fid: 1, offset: 0, count: 100 });
    assert.equal(Buffer.from(r.data).toString(), 'in the share');
  });
});

test('attribute fids past the cap get ENOSPC, of both kinds', async (t) => {
  await inArenas(t, ['--max-xattr-fids', '8'], async (_t, arena) => {
    const c = await arena.begin();
    for (let i = 0; i < 20; i++) await allowed(c, T.walk, { fid: 0, newfid: 200 + i, names: ['file'] });
    for (let i = 0; i < 8; i++)
      if (i % 2 === 0) await allowed(c, T.xattrwalk, { fid: 200, newfid: 10 + i, name: '' });
      else await allowed(c, T.xattrcreate, { fid: 201 + i, name: 'user.x', size: 65_536, flags: 0 });
    await refused(c, T.xattrwalk, { fid: 200, newfid: 30, name: '' }, ENOSPC);
    await refused(c, T.xattrcreate, { fid: 219, name: 'user.x', size: 1, flags: 0 }, ENOSPC);
    // Given back by clunk (of the written kind with an error: nothing was written), by remove and by a new session.
    await allowed(c, T.clunk, { fid: 10 });
    await c.call(T.clunk, { fid: 202 });
    await allowed(c, T.xattrwalk, { fid: 200, newfid: 30, name: '' });
    await allowed(c, T.xattrwalk, { fid: 200, newfid: 31, name: '' });
    await refused(c, T.xattrwalk, { fid: 200, newfid: 32, name: '' }, ENOSPC);
    await arena.begin();
    await allowed(c, T.xattrwalk, { fid: 0, newfid: 30, name: '' });
  });
});

test('attribute sizes are checked before anything is allocated', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    const c = await arena.begin();
    await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['file'] });
    const sizes = [65_537, 0xffffffff, 2 ** 32, 2 ** 53, 2n ** 63n, 2n ** 64n - 1n];
    for (const size of sizes) await refused(c, T.xattrcreate, { fid: 1, name: 'user.x', size, flags: 0 });
    await allowed(c, T.xattrcreate, { fid: 1, name: 'user.x', size: 4, flags: 0 });
    // Past the announced size, out of order, at offsets that would wrap around.
    for (const [offset, data] of [
      [0, 'too long'],
      [1, 'x'],
      [2n ** 64n - 1n, 'xx'],
      [2n ** 63n, 'x'],
    ] as const)
      await refused(c, T.write, { fid: 1, offset, data });
    await allowed(c, T.write, { fid: 1, offset: 0, data: 'abc' });
    await refused(c, T.clunk, { fid: 1 });
    await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['file'] });
    await refused(c, T.xattrwalk, { fid: 1, newfid: 2, name: 'user.x' });
  });
});

test('who holds a lock has no name of any length', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    const c = await arena.begin();
    await allowed(c, T.walk, { fid: 0, newfid: 1, names: [] });
    await allowed(c, T.lcreate, { fid: 1, name: 'locked', flags: 2, mode: 0o600 });
    const lock = { fid: 1, lockType: 1, start: 0, length: 1, procId: 1 };
    for (const length of [256, 60_000]) await refused(c, T.lock, { ...lock, name: 'x'.repeat(length) });
    assert.equal((await allowed(c, T.lock, { ...lock, name: 'x'.repeat(255) })).msg.status, 0);
    assert.equal((await allowed(c, T.getlock, { ...lock, name: 'y'.repeat(60_000) })).msg.lockType, 1);
  });
});

test('counts up to 2^32 − 1 are cut to msize', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    fs.writeFileSync(`${arena.share}/large`, Buffer.alloc(300_000, 0x61));
    const c = arena.client;
    for (const msize of [4096, 8192, 65_536]) {
      await c.version(msize, VERSION_EXT);
      await allowed(c, T.attach, {
        fid: 0,
        afid: NOFID,
        name: '',
        name2: '',
        nuname: process.getuid?.() ?? 0,
      });
      await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['large'] });
      await allowed(c, T.lopen, { fid: 1, flags: 0 });
      await allowed(c, T.walk, { fid: 0, newfid: 2, names: [] });
      await allowed(c, T.lopen, { fid: 2, flags: 0o200000 });
      for (const count of [0xffffffff, 0x80000000, 0x7fffffff, 1 << 20, msize, msize - 10]) {
        const read = await c.call(T.read, { fid: 1, offset: 0, count });
        if (read.errno === 0) assert.ok(read.data.length + 11 <= msize, `Rread of ${read.data.length}`);
        const dir = await c.call(T.readdir, { fid: 2, offset: 0, count });
        if (dir.errno === 0) assert.ok(dir.data.length + 11 <= msize, `Rreaddir of ${dir.data.length}`);
        const plus = await c.call(T.readdirplus, { fid: 2, offset: 0, count });
        if (plus.errno === 0)
          assert.ok(plus.data.length + 12 <= msize, `Rreaddirplus of ${plus.data.length}`);
      }
    }
  });
});

test('offsets up to 2^64 − 1', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    arena.fill();
    const c = await arena.begin();
    await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['file'] });
    await allowed(c, T.lopen, { fid: 1, flags: 2 });
    await allowed(c, T.walk, { fid: 0, newfid: 2, names: [] });
    await allowed(c, T.lopen, { fid: 2, flags: 0o200000 });
    for (const offset of [2 ** 53, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      const read = await c.call(T.read, { fid: 1, offset, count: 4096 });
      if (read.errno === 0) assert.equal(read.data.length, 0, `read at ${offset}`);
      await refused(c, T.write, { fid: 1, offset, data: 'xy' });
      await c.call(T.readdir, { fid: 2, offset, count: 4096 });
      await c.call(T.lock, { fid: 1, lockType: 1, start: offset, length: offset, procId: 1, name: 'x' });
      await c.call(T.setattr, {
        fid: 1,
        mask: 0x1b0,
        attr: { atimeSec: offset, mtimeSec: offset, atimeNsec: offset },
      });
    }
    for (const size of [2n ** 63n, 2n ** 64n - 1n])
      await refused(c, T.setattr, { fid: 1, mask: 0x8, attr: { size } });
    assert.equal(fs.readFileSync(`${arena.share}/file`, 'utf8'), 'in the share');
  });
});

test('Treaddir with tiny counts is refused or gives whole entries, and never an early end', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    arena.fill();
    const c = await arena.begin(VERSION_EXT);
    await allowed(c, T.walk, { fid: 0, newfid: 1, names: [] });
    await allowed(c, T.lopen, { fid: 1, flags: 0o200000 });
    for (let count = 0; count < 60; count++) {
      const r = await c.call(T.readdir, { fid: 1, offset: 0, count });
      if (r.errno === 0)
        assert.ok(r.data.length >= 24 && r.data.length <= count, `count ${count}: ${r.data.length}`);
    }
    for (let count = 0; count < 300; count++) {
      const r = await c.call(T.readdirplus, { fid: 1, offset: 0, count });
      if (r.errno === 0)
        assert.ok(r.data.length <= count && (r.data.length > 0 || r.msg.status === 1), `count ${count}`);
    }
    // A cookie that the server never gave.
    for (const offset of [1, 12_345, 2 ** 31, 2n ** 63n - 1n])
      await c.call(T.readdir, { fid: 1, offset, count: 4096 });
    const all = await allowed(c, T.readdir, { fid: 1, offset: 0, count: 60_000 });
    assert.ok(Buffer.from(all.data).toString('latin1').includes('to-proc'));
  });
});

test('walks of more than 16 names, and of more names than the message holds', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    const c = await arena.begin();
    const body = (nwname: number, given: number): Buffer => {
      const b = Buffer.alloc(10 + given * 5);
      b.writeUInt32LE(0, 0);
      b.writeUInt32LE(7, 4);
      b.writeUInt16LE(nwname, 8);
      for (let i = 0; i < given; i++) {
        b.writeUInt16LE(3, 10 + i * 5);
        b.write('dir', 12 + i * 5);
      }
      return b;
    };
    for (const [nwname, given] of [
      [17, 17],
      [65_535, 17],
      [65_535, 0],
      [16, 3],
      [2, 16],
      [1000, 1000],
    ] as const) {
      const b = body(nwname, given);
      c.send(rawFrame(7 + b.length, T.walk, 5, b));
      const r = await c.next();
      assert.notEqual(r?.errno, 0, `${nwname} names, ${given} given`);
    }
    await refused(c, T.clunk, { fid: 7 }, EBADF);
  });
});

test('a size field below 7 or above msize ends the connection, and only that', async (t) => {
  for (const sandbox of SANDBOXES)
    await t.test(`--sandbox ${sandbox}`, async (t) => {
      const dir = scratch(t, 'sizes');
      const sizes = [0, 1, 2, 3, 4, 5, 6, 65_537, 1 << 24, 0x7fffffff, 0x80000000, 0xffffffff];
      const servers = sizes.map((size) => [size, startQfsd(t, dir, { sandbox })] as const);
      for (const [size, s] of servers) {
        await s.client.version();
        s.client.send(rawFrame(size, T.getattr, 1));
        assert.equal(await s.client.next(), undefined, `size ${size} was answered`);
        const ended = await s.close();
        assert.equal(ended, 8, `size ${size}: ${s.stderr()}`);
        assert.ok(!s.stderr().includes('    at '), 'a stack trace');
      }
    });
});

test('types that are no request, bodies cut or overlong: an error for that one, and the connection goes on', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    const c = await arena.begin();
    for (let type = 0; type < 256; type++) {
      // Tchanges is whole with seven bytes, and waits until something changes.
      if (type === T.version || type === T.flush || type === T.changes) continue;
      c.send(rawFrame(7, type, 77));
      const r = await c.next();
      assert.equal(r?.tag, 77);
      assert.ok([EINVAL, EOPNOTSUPP].includes(r?.errno ?? 0), `type ${type}: ${r?.errno}`);
    }
    const good = c.frame(T.mkdir, { dfid: 0, name: 'made', mode: 0o755, gid: 0 }, 78);
    for (let cut = 7; cut < good.length; cut++) {
      const short = Buffer.from(good.subarray(0, cut));
      short.writeUInt32LE(cut, 0);
      c.send(short);
      assert.equal((await c.next())?.errno, EINVAL, `cut at ${cut}`);
    }
    const long = Buffer.concat([good, Buffer.from([0])]);
    long.writeUInt32LE(long.length, 0);
    c.send(long);
    assert.equal((await c.next())?.errno, EINVAL);
    assert.ok(!fs.existsSync(`${arena.share}/made`));
  });
});

test('a Twrite whose count is not its data is refused', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    arena.fill();
    const c = await arena.begin();
    await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['file'] });
    await allowed(c, T.lopen, { fid: 1, flags: 2 });
    for (const count of [0, 3, 5, 1000, 0x7fffffff, 0xffffffff]) {
      const frame = Buffer.from(c.frame(T.write, { fid: 1, offset: 0, data: 'abcd' }, 79));
      frame.writeUInt32LE(count, 19);
      c.send(frame);
      assert.equal((await c.next())?.errno, EINVAL, `count ${count}`);
    }
    assert.equal(fs.readFileSync(`${arena.share}/file`, 'utf8'), 'in the share');
  });
});

test('before Tversion nothing is served; another version is answered with unknown', async (t) => {
  for (const sandbox of SANDBOXES)
    await t.test(`--sandbox ${sandbox}`, async (t) => {
      const s: Served = startQfsd(t, scratch(t, 'version'), { sandbox });
      const c = s.client;
      await refused(c, T.attach, { fid: 0, afid: NOFID, name: '', name2: '', nuname: 0 });
      for (const version of ['9P2000', '9P2000.u', '9P2001', '', 'x'.repeat(1000), '9p2000.l']) {
        const r = await c.version(8192, version);
        assert.equal(r.msg.name.text(), 'unknown', version.slice(0, 20));
        await refused(c, T.attach, { fid: 0, afid: NOFID, name: '', name2: '', nuname: 0 });
      }
      for (const msize of [0, 1, 23, 255]) {
        c.send(c.frame(T.version, { msize, name: '9P2000.L' }, NOTAG));
        const r = await c.next();
        if (r !== undefined && r.errno === 0)
          assert.ok(r.msg.msize <= msize && r.msg.name.text() === 'unknown');
      }
      const huge = await c.version(0xffffffff);
      assert.ok(huge.msg.msize <= (1 << 20) + 24, `msize ${huge.msg.msize}`);
      await c.attach();
      assert.equal(await s.close(), 0);
    });
});

test('5,000 fids open under a limit of 256 descriptors', async (t) => {
  const dir = scratch(t, 'descriptors');
  for (let i = 0; i < 5000; i++) fs.writeFileSync(`${dir}/f${i}`, `content ${i}`);
  for (const sandbox of SANDBOXES)
    await t.test(`--sandbox ${sandbox}`, async (t) => {
      const s = startQfsd(t, dir, { sandbox, through: ['prlimit', '--nofile=256:256', '--'] });
      const c = s.client;
      assert.equal((await c.attach()).errno, 0, s.stderr());
      await pipelined(c, 5000, (i) => c.frame(T.walk, { fid: 0, newfid: i + 1, names: [`f${i}`] }, i + 1));
      // Each is what it was, and can be opened and read; an open one that is over the limit gets an error, not a wrong file.
      for (const i of [0, 1, 2500, 4998, 4999]) {
        await allowed(c, T.lopen, { fid: i + 1, flags: 0 });
        const r = await allowed(c, T.read, { fid: i + 1, offset: 0, count: 100 });
        assert.equal(Buffer.from(r.data).toString(), `content ${i}`);
        await allowed(c, T.clunk, { fid: i + 1 });
      }
      let opened = 0;
      for (let i = 10; i < 400; i++) {
        const r = await c.call(T.lopen, { fid: i + 1, flags: 0 });
        if (r.errno === 0) opened++;
        else assert.ok([EMFILE, ENFILE].includes(r.errno), `lopen: ${r.errno}`);
      }
      assert.ok(opened >= 50 && opened < 390, `${opened} open`);
      for (let i = 10; i < 400; i++) await allowed(c, T.clunk, { fid: i + 1 });
      await allowed(c, T.lopen, { fid: 4000, flags: 0 });
      assert.equal(await s.close(), 0, s.stderr());
    });
});

test('a file replaced while its descriptor was reclaimed is never taken for the old one', async (t) => {
  const dir = scratch(t, 'replaced');
  for (let i = 0; i < 1000; i++) fs.writeFileSync(`${dir}/f${i}`, `old ${i}`);
  const s = startQfsd(t, dir, { sandbox: 'none', through: ['prlimit', '--nofile=256:256', '--'] });
  const c = s.client;
  await c.attach();
  await pipelined(c, 1000, (i) => c.frame(T.walk, { fid: 0, newfid: i + 1, names: [`f${i}`] }, i + 1));
  for (let i = 0; i < 1000; i += 2) {
    fs.writeFileSync(`${dir}/new`, `NEW ${i}`);
    fs.renameSync(`${dir}/new`, `${dir}/f${i}`);
  }
  for (let i = 0; i < 1000; i++) {
    const open = await c.call(T.lopen, { fid: i + 1, flags: 0 });
    if (open.errno === 0) {
      const r = await allowed(c, T.read, { fid: i + 1, offset: 0, count: 100 });
      assert.equal(Buffer.from(r.data).toString(), `old ${i}`);
    } else assert.equal(i % 2, 0, `f${i} was not replaced, and yet ${open.errno}`);
    await c.call(T.clunk, { fid: i + 1 });
  }
  assert.equal(await s.close(), 0, s.stderr());
});

test('a client that sends and never reads does not fill the memory', async (t) => {
  const dir = scratch(t, 'flood');
  fs.writeFileSync(`${dir}/large`, Buffer.alloc(1 << 20));
  const s = startQfsd(t, dir, { sandbox: 'none' });
  const c = s.client;
  await c.version(1 << 20);
  await allowed(c, T.attach, { fid: 0, afid: NOFID, name: '', name2: '', nuname: process.getuid?.() ?? 0 });
  await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['large'] });
  await allowed(c, T.lopen, { fid: 1, flags: 0 });
  const before = memory(s.pid);
  c.socket.pause();
  for (let i = 0; i < 300; i++) c.send(c.frame(T.read, { fid: 1, offset: 0, count: 1 << 20 }, i));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const after = memory(s.pid);
  assert.ok(after - before < 60, `${Math.round(before)} MiB became ${Math.round(after)}`);
  c.socket.resume();
  for (let i = 0; i < 300; i++) assert.equal((await c.next())?.errno, 0);
  assert.equal(await s.close(), 0, s.stderr());
});

/** Sends `count` requests in one go and awaits as many replies without an error. */
async function pipelined(c: Raw9p, count: number, frame: (i: number) => Uint8Array): Promise<void> {
  for (let i = 0; i < count; i++) c.send(frame(i));
  for (let i = 0; i < count; i++) {
    const r = await c.next();
    assert.equal(r?.errno, 0, `request ${i}: errno ${r?.errno}`);
  }
}
