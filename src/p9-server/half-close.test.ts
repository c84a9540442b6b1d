// SPDX-License-Identifier: MIT
// A peer that has said all that it will say: shutdown(2) of `nc -N`, socat, a relay that passes the end on.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratch } from '../../test/helpers/places.ts';
import type { Raw9p } from '../../test/helpers/raw9p.ts';
import { serveFolder } from '../../test/helpers/share.ts';
import { O_RDWR, type Sys } from '../base/sys.ts';
import { openSys } from '../linux/index.ts';
import { T } from '../p9/messages.ts';

const SIZE = 60_000;
const READS = 60;

/** A `Sys` whose syncs end when the test says so. */
function heldSyncs(): { sys: Sys; begun: ((r: number) => void)[] } {
  const real = openSys();
  const begun: ((r: number) => void)[] = [];
  const fsync: Sys['slow']['fsync'] = (_fd, done) => void begun.push(done);
  return { sys: { ...real, slow: { ...real.slow, fsync } }, begun };
}

/** A client that has opened a file, sent what it asks last, and half-closed; `ended`: how long the connection has lived since. */
async function asked(
  t: TestContext,
): Promise<{ c: Raw9p; begun: ((r: number) => void)[]; ended: Promise<number> }> {
  const { sys, begun } = heldSyncs();
  const dir = scratch(t, 'half-close');
  writeFileSync(join(dir, 'f'), Buffer.alloc(SIZE, 1));
  const { client: c, ended: over } = serveFolder(dir, { sys });
  await c.attach();
  await c.walk(0, 1, 'f');
  assert.equal((await c.call(T.lopen, { fid: 1, flags: O_RDWR })).errno, 0);
  const sync = (): Uint8Array => c.frame(T.fsync, { fid: 1, datasync: 0 });
  const reads = Array.from({ length: READS }, () => c.frame(T.read, { fid: 1, offset: 0, count: SIZE }));
  c.socket.end(Buffer.concat([sync(), ...reads, sync()]));
  await once(c.socket, 'finish');
  const since = performance.now();
  const ended = over.then((end) => {
    assert.equal(end.clean, true, end.why);
    return performance.now() - since;
  });
  return { c, begun, ended };
}

test('a peer that sends no more gets every reply that is due, and then the end', async (t) => {
  const { c, begun, ended } = await asked(t);
  for (let i = 0; i < READS; i++) assert.equal((await c.next())?.data.length, SIZE);
  assert.equal(begun.length, 2);
  for (const done of begun) {
    done(0);
    assert.equal((await c.next())?.type, T.fsync + 1);
  }
  assert.ok((await ended) < 4000);
  assert.equal(await c.next(), undefined);
});

test('a peer that sends no more is not waited for without end, and one that is gone not at all', async (t) => {
  const silent = await asked(t);
  for (let i = 0; i < READS; i++) assert.equal((await silent.c.next())?.data.length, SIZE);
  const ms = await silent.ended;
  assert.ok(ms > 4000 && ms < 20_000, `${ms} ms`);
  silent.c.close();

  const gone = await asked(t);
  for (let i = 0; i < READS; i++) await gone.c.next();
  gone.c.close();
  assert.ok((await gone.ended) < 4000);
});

test('a peer that goes between two messages has not broken off, whatever it has not taken', async (t) => {
  const dir = scratch(t, 'half-close');
  writeFileSync(join(dir, 'f'), Buffer.alloc(SIZE, 1));
  for (const [rest, clean] of [
    [[], true],
    [[7, 0, 0], false],
  ] as const) {
    const { client: c, ended } = serveFolder(dir);
    await c.attach();
    await c.walk(0, 1, 'f');
    await c.call(T.lopen, { fid: 1, flags: O_RDWR });
    c.socket.pause();
    // Node still takes a piece or two. What lies in the socket when it is closed is told to the other end as ECONNRESET (unix_release_sock, net/unix/af_unix.c).
    for (let i = 0; i < 3; i++) c.send(c.frame(T.read, { fid: 1, offset: 0, count: SIZE }));
    c.send(Uint8Array.from(rest));
    await sleep(100);
    c.close();
    const end = await ended;
    assert.equal(end.clean, clean, end.why);
    assert.match(end.why, /ECONNRESET/);
  }
});
