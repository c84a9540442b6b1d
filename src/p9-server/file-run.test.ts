// SPDX-License-Identifier: MIT
// Large reads, whose bytes go from the page cache to the peer without passing through the server's memory.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../../test/helpers/places.ts';
import type { Raw9p } from '../../test/helpers/raw9p.ts';
import { serveFolder, withFolder } from '../../test/helpers/share.ts';
import { EAGAIN, EINVAL, EIO, ENOSYS } from '../base/errno.ts';
import { O_RDONLY, type Sys } from '../base/sys.ts';
import { openSys } from '../linux/index.ts';
import { socketpair } from '../linux/net.ts';
import { unblockedSocket } from '../linux/unblocked.ts';
import { NOFID } from '../p9/constants.ts';
import { T } from '../p9/messages.ts';
import { Outgoing } from './outgoing.ts';

const MIB = 1024 * 1024;
const BYTES = randomBytes(3 * MIB + 77);

/** A client with large messages that has opened `f` as fid 1. */
async function opened(c: Raw9p): Promise<void> {
  await c.version(MIB + 24);
  await c.call(T.attach, { fid: 0, afid: NOFID, name: '', name2: '', nuname: process.getuid?.() ?? 0 });
  await c.walk(0, 1, 'f');
  assert.equal((await c.call(T.lopen, { fid: 1, flags: O_RDONLY })).errno, 0);
}

async function read(c: Raw9p, offset: number, count: number): Promise<Buffer> {
  const r = await c.call(T.read, { fid: 1, offset, count });
  assert.equal(r.errno, 0);
  return Buffer.from(r.data);
}

/** A folder with the file, in the page cache. */
function folder(t: TestContext, where?: string): string {
  const dir = scratch(t, 'run', where);
  writeFileSync(join(dir, 'f'), BYTES);
  return dir;
}

/** The real thing, with some calls replaced and every sendfile(2) counted. */
function spied(change: Partial<Sys> = {}): { sys: Sys; sent: () => number } {
  const real = openSys();
  let sent = 0;
  const sendfile: Sys['sendfile'] = (...args) => {
    sent++;
    return (change.sendfile ?? real.sendfile)(...args);
  };
  const sys = { ...real, ...change, sendfile };
  return { sys, sent: () => sent };
}

function descriptorsOf(path: string): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The descriptor of the listing itself.
      return '';
    }
  });
  return links.filter((link) => link === path).length;
}

/** Whether this kernel can tell what is in memory: Linux 6.5. In memory file systems it need not. */
function tells(): boolean {
  const fd = openSync('/proc/self/exe', O_RDONLY);
  const r = openSys().cached(fd, 0, 1);
  closeSync(fd);
  return r !== -ENOSYS;
}

for (const [what, where] of [
  ['a disk', undefined],
  ['memory', '/dev/shm'],
] as const) {
  test(`large reads of ${what} bring the file's bytes, each in its turn`, async (t) => {
    const { sys, sent } = spied();
    await withFolder(folder(t, where), { sys }, async (c) => {
      await opened(c);
      // Where nothing tells before the first read, that one goes the old way.
      await read(c, 0, 4096);
      const asked: [number, number][] = [
        [0, MIB],
        [MIB + 3, MIB],
        [5, 300_000],
        [2 * MIB + 77, MIB],
      ];
      c.send(
        Buffer.concat(
          asked.flatMap(([offset, count]) => [
            c.frame(T.read, { fid: 1, offset, count }),
            c.frame(T.getattr, { fid: 1, mask: 0x7ff }),
          ]),
        ),
      );
      for (const [offset, count] of asked) {
        const r = await c.next();
        assert.equal(r?.type, T.read + 1);
        assert.ok(BYTES.subarray(offset, offset + count).equals(r?.data as Buffer));
        assert.equal((await c.next())?.type, T.getattr + 1);
      }
      assert.ok(BYTES.subarray(3 * MIB).equals(await read(c, 3 * MIB, MIB)));
      assert.equal((await read(c, 4 * MIB, MIB)).length, 0);
    });
    if (where !== undefined || tells()) assert.ok(sent() >= 4, `${sent()} calls`);
  });
}

test('bytes that are not all in memory are waited for elsewhere', async (t) => {
  const { sys, sent } = spied({ cached: () => 0 });
  await withFolder(folder(t), { sys }, async (c) => {
    await opened(c);
    assert.ok(BYTES.subarray(0, MIB).equals(await read(c, 0, MIB)));
  });
  assert.equal(sent(), 0);
});

test('what a file loses while it is on its way is made up with zeros', async (t) => {
  const dir = folder(t, '/dev/shm');
  const real = openSys();
  let whole = true;
  const sendfile: Sys['sendfile'] = (out, fd, at, len) => {
    // So that there is something of another reply where the zeros come from.
    if (whole) return -EINVAL;
    const n = real.sendfile(out, fd, at, Math.min(len, 65536));
    if (n > 0) truncateSync(join(dir, 'f'), 65536);
    return n;
  };
  const { sys, sent } = spied({ sendfile });
  await withFolder(dir, { sys }, async (c) => {
    await opened(c);
    await read(c, 0, 4096);
    await read(c, 0, MIB);
    whole = false;
    const got = await read(c, 0, MIB);
    assert.equal(got.length, MIB);
    assert.ok(BYTES.subarray(0, 65536).equals(got.subarray(0, 65536)));
    assert.ok(got.subarray(65536).every((b) => b === 0));
    assert.equal((await read(c, 0, MIB)).length, 65536);
  });
  assert.ok(sent() >= 2);
});

test('a file system that has no way past a buffer is read through one', async (t) => {
  const { sys, sent } = spied({ sendfile: () => -EINVAL });
  await withFolder(folder(t, '/dev/shm'), { sys }, async (c) => {
    await opened(c);
    await read(c, 0, 4096);
    assert.ok(BYTES.subarray(0, MIB).equals(await read(c, 0, MIB)));
  });
  assert.ok(sent() > 0);
});

test('a disk that fails in the middle ends the connection: what was promised cannot be sent', async (t) => {
  const { sys } = spied({ sendfile: () => -EIO });
  const { client, ended } = serveFolder(folder(t, '/dev/shm'), { sys });
  await opened(client);
  await read(client, 0, 4096);
  client.send(client.frame(T.read, { fid: 1, offset: 0, count: MIB }));
  assert.equal(await client.next(), undefined);
  const end = await ended;
  assert.equal(end.clean, false);
  assert.match(end.why, /EIO/);
});

test('a peer that goes away while it takes nothing leaves no file open', async (t) => {
  const { sys, sent } = spied();
  const dir = folder(t, '/dev/shm');
  const { client, ended } = serveFolder(dir, { sys });
  await opened(client);
  await read(client, 0, 4096);
  client.socket.pause();
  for (let i = 0; i < 8; i++) client.send(client.frame(T.read, { fid: 1, offset: 0, count: MIB }));
  client.send(client.frame(T.clunk, { fid: 1 }));
  while (sent() === 0) await new Promise(setImmediate);
  assert.ok(descriptorsOf(join(dir, 'f')) > 0);
  client.close();
  await ended;
  assert.equal(descriptorsOf(join(dir, 'f')), 0);
});

test('replies behind a run wait for it, whatever the peer takes at a time and however the buffer grows', (t) => {
  const sys = openSys();
  const pair: [number, number] = [-1, -1];
  assert.equal(socketpair(pair), 0);
  assert.notEqual(unblockedSocket(pair[0]), undefined);
  const fd = openSync(join(folder(t, '/dev/shm'), 'f'), O_RDONLY);
  const went = new Outgoing(sys, pair[0], 4096);
  let ended = 0;
  const write = (text: string): void => {
    for (const byte of Buffer.from(text)) went.writer.u8(byte);
  };
  write('before');
  went.endWith({ fd, offset: 11, count: 2 * MIB, ended: () => void ended++ });
  assert.equal(went.runBehind, 2 * MIB);
  write('behind');
  assert.equal(went.runBehind, 0);
  assert.equal(went.pending, 2 * MIB + 12);
  const input = sys.alloc(100_000);
  const got: Buffer[] = [];
  for (let i = 0; went.pending > 0; i++) {
    for (let n = 1; n > 0; ) n = went.send();
    if (i === 3) {
      went.resize(8192);
      write(' it');
    }
    const n = sys.recv(pair[1], input, 0, input.size);
    assert.ok(n > 0 || n === -EAGAIN);
    if (n > 0) got.push(Buffer.from(input.u8.subarray(0, n)));
  }
  for (let n = 1; n > 0; ) {
    n = sys.recv(pair[1], input, 0, input.size);
    if (n > 0) got.push(Buffer.from(input.u8.subarray(0, n)));
  }
  const all = Buffer.concat(got);
  assert.equal(all.subarray(0, 6).toString(), 'before');
  assert.ok(BYTES.subarray(11, 11 + 2 * MIB).equals(all.subarray(6, 6 + 2 * MIB)));
  assert.equal(all.subarray(6 + 2 * MIB).toString(), 'behind it');
  assert.equal(ended, 1);
  for (const one of [fd, ...pair]) closeSync(one);
});
