// SPDX-License-Identifier: MIT
// What a client can bring about by asking much at a time: descriptors taken back, replies that nobody takes, calls that wait for a disk.

import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Raw9p, Reply } from '../../test/helpers/raw9p.ts';
import { withShare } from '../../test/helpers/share.ts';
import * as E from '../base/errno.ts';
import type { Sys } from '../base/sys.ts';
import { openSys } from '../linux/index.ts';
import { NOTAG, VERSION, VERSION_EXT } from '../p9/constants.ts';
import { T } from '../p9/messages.ts';
import { Identity } from './identity.ts';
import { DEFAULT_LIMITS, DEFAULT_OPTIONS } from './index.ts';
import { LiveRequest, LiveRequests } from './live.ts';

const FEW = { limits: { ...DEFAULT_LIMITS, descriptors: 64 } };

/** A `Sys` whose syncs end when the test says so, and whose reads can be told to wait for the disk. */
interface Held {
  syncs: ((r: number) => void)[];
  reads: (() => void)[];
  cold: boolean;
  sys: Sys;
}

function heldSys(): Held {
  const real = openSys();
  const held: Held = {
    syncs: [],
    reads: [],
    cold: false,
    sys: {
      ...real,
      preadNowait: (...args: Parameters<Sys['preadNowait']>) =>
        held.cold ? -E.EAGAIN : real.preadNowait(...args),
      slow: {
        ...real.slow,
        fsync: (_fd: number, done: (r: number) => void) => void held.syncs.push(done),
        pread: (...args: Parameters<Sys['slow']['pread']>) => {
          const [fd, mem, off, len, offset, done] = args;
          held.reads.push(() => done(real.pread(fd, mem, off, len, offset)));
        },
      },
    },
  };
  return held;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; !holds(); await sleep(2))
    if (performance.now() > end) throw new Error(`it did not come: ${what}`);
}

async function opened(c: Raw9p, dir: string, name: string, bytes: number): Promise<void> {
  writeFileSync(join(dir, name), Buffer.alloc(bytes, 1));
  await c.walk(0, 1, name);
  assert.equal((await c.call(T.lopen, { fid: 1, flags: 2 })).errno, 0);
}

test('what has come in is answered when a slow reply and the peer, who takes replies again, come together', async () => {
  const held = heldSys();
  await withShare(
    {},
    async (c, dir) => {
      await opened(c, dir, 'f', 60_000);
      c.socket.pause();
      const reads = Array.from({ length: 40 }, () => c.frame(T.read, { fid: 1, offset: 0, count: 60_000 }));
      c.send(Buffer.concat([c.frame(T.fsync, { fid: 1, datasync: 0 }), ...reads]));
      await until('the fsync', () => held.syncs.length === 1);
      await sleep(50);
      // In one go, so that the server does not run in between: all that is there is taken, and the sync ends.
      const real = openSys();
      const mem = real.alloc(4 << 20);
      while (c.socket.read() !== null);
      const fd = (c.socket as unknown as { _handle: { fd: number } })._handle.fd;
      for (;;) {
        const n = real.recv(fd, mem, 0, mem.size);
        if (n <= 0) break;
        c.socket.emit('data', Buffer.from(mem.u8.slice(0, n)));
      }
      held.syncs[0]?.(0);
      c.socket.resume();
      const types: number[] = [];
      while (types.length < 41) types.push(((await c.next()) as Reply).type);
      assert.equal(types.filter((type) => type === T.read + 1).length, 40);
    },
    held.sys,
  );
});

test('a file that a slow call holds when its fid is clunked is not counted for ever', async () => {
  await withShare(FEW, async (c, dir) => {
    writeFileSync(join(dir, 'f'), 'x');
    for (let i = 0; i < 80; i++) {
      assert.equal((await c.walk(0, 1, 'f')).errno, 0, `round ${i}`);
      assert.equal((await c.call(T.lopen, { fid: 1, flags: 2 })).errno, 0, `round ${i}`);
      c.send(
        Buffer.concat([c.frame(T.fsync, { fid: 1, datasync: 0 }, 500), c.frame(T.clunk, { fid: 1 }, 501)]),
      );
      for (let n = 0; n < 2; n++) assert.equal((await c.next())?.errno, 0);
    }
  });
});

test('slow replies that nobody took do not make room for more than msize allows, nor end the server at the next Tversion', async () => {
  const held = heldSys();
  await withShare(
    {},
    async (c, dir) => {
      await c.version(4096);
      await c.call(T.attach, { fid: 0, afid: 0xffffffff, nuname: process.getuid?.() ?? 0 });
      await opened(c, dir, 'f', 4096);
      const read = (tag: number): Uint8Array => c.frame(T.read, { fid: 1, offset: 0, count: 4085 }, tag);
      held.cold = true;
      c.socket.pause();
      c.send(Buffer.concat(Array.from({ length: 250 }, (_, i) => read(i))));
      await until('the slow reads', () => held.reads.length === 250);
      for (const end of held.reads) end();
      held.cold = false;
      c.socket.resume();
      for (let i = 0; i < 250; i++) assert.equal(((await c.next()) as Reply).data.length, 4085);
      c.socket.pause();
      const version = c.frame(T.version, { msize: 131_072, name: VERSION }, NOTAG);
      c.send(Buffer.concat([...Array.from({ length: 150 }, (_, i) => read(i)), version]));
      await sleep(50);
      c.socket.resume();
      for (let i = 0; i < 150; i++) assert.equal(((await c.next()) as Reply).type, T.read + 1);
      assert.equal(((await c.next()) as Reply).type, T.version + 1);
    },
    held.sys,
  );
});

test('no reply is larger than msize: changes come in parts, a longer link is refused', async () => {
  await withShare({}, async (c, dir) => {
    symlinkSync(`${'x'.repeat(254)}/`.repeat(17).slice(0, 4095), join(dir, 'l'));
    await c.version(4096, VERSION_EXT);
    await c.call(T.attach, { fid: 0, afid: 0xffffffff, nuname: process.getuid?.() ?? 0 });
    await c.walk(0, 1, 'l');
    assert.equal((await c.call(T.readlink, { fid: 1 })).errno, E.ENAMETOOLONG);
    await c.walk(0, 2);
    assert.equal((await c.call(T.watch, { fid: 2, id: 1 })).errno, 0);
    const names = Array.from({ length: 100 }, (_, i) => `${'n'.repeat(200)}${i}`);
    for (const name of names) writeFileSync(join(dir, name), '');
    const told = new Set<string>();
    while (told.size < names.length) {
      const { data } = await c.call(T.changes, {});
      assert.ok(data.length + 11 <= 4096, `${data.length} bytes of records`);
      const dv = new DataView(data.buffer, data.byteOffset);
      for (let at = 0; at < data.length; at += 7 + dv.getUint16(at + 5, true))
        told.add(Buffer.from(data.subarray(at + 7, at + 7 + dv.getUint16(at + 5, true))).toString());
    }
    assert.deepEqual([...told].sort(), names.sort());
  });
});

test('one owner takes a write lock by one fid after a shared lock by another that only reads', async () => {
  await withShare({}, async (c, dir) => {
    writeFileSync(join(dir, 'f'), 'hello');
    for (const [fid, flags] of [
      [1, 0],
      [2, 2],
    ] as const) {
      await c.walk(0, fid, 'f');
      await c.call(T.lopen, { fid, flags });
    }
    const lock = async (fid: number, lockType: number, start: number): Promise<number> =>
      (await c.call(T.lock, { fid, lockType, flags: 0, start, length: 10, procId: 7, name: 'me' })).msg
        .status;
    assert.deepEqual([await lock(1, 0, 0), await lock(2, 1, 100), await lock(2, 1, 0)], [0, 0, 0]);
  });
});

test('a Tremove that is not allowed ends its fid all the same', async () => {
  await withShare({ deny: new Set([T.remove]) }, async (c, dir) => {
    writeFileSync(join(dir, 'f'), '');
    await c.walk(0, 1, 'f');
    assert.equal((await c.call(T.remove, { fid: 1 })).errno, E.EPERM);
    assert.equal((await c.walk(0, 1, 'f')).errno, 0);
  });
});

test('after a switch of identity that went half-way, the next request is not taken for done', () => {
  const asked: number[] = [];
  const sys: Sys = {
    ...openSys(),
    geteuid: () => 0,
    getegid: () => 0,
    setFsIdentity: (uid: number) => {
      asked.push(uid);
      return uid === 61_000 ? -E.EPERM : 0;
    },
  };
  const identity = new Identity(sys, DEFAULT_OPTIONS);
  const user = { uid: 1000, gid: 1000, groups: [] };
  assert.equal(identity.become(user), 0);
  assert.equal(identity.become({ uid: 61_000, gid: 61_000, groups: [] }), -E.EPERM);
  assert.equal(identity.become(user), 0);
  assert.deepEqual(asked, [1000, 61_000, 1000]);
  identity.asServer(() => assert.equal(asked.at(-1), 0));
  assert.equal(asked.at(-1), 1000, 'and back');
});

test('calls whose requests were flushed count until they end, but leave room for others', () => {
  const live = new LiveRequests();
  const make = (tag: number): LiveRequest => {
    const request = new LiveRequest(tag, T.read, () => {});
    live.add(request);
    return request;
  };
  const running: LiveRequest[] = [];
  for (let i = 0; i < 7; i++) {
    assert.equal(live.full(4), false);
    const request = make(i);
    live.cancel(request);
    running.push(request);
  }
  for (let tag = 0; tag < 4; tag++) running.push(make(tag));
  assert.equal(live.full(4), true, 'four wait for a reply');
  for (let i = 0; i < 4; i++) live.cancel(running.pop() as LiveRequest);
  assert.equal(live.full(4), false);
  for (let i = 0; i < 21; i++) live.cancel(make(i));
  assert.equal(live.full(4), true, 'that many calls run for nobody');
  live.ended(running[0] as LiveRequest);
  assert.equal(live.full(4), false);
});
