// SPDX-License-Identifier: MIT
// A folder of 100,000 entries lists completely, every entry once, with bounded memory on both sides, also while others add and remove entries.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { O_DIRECTORY } from '../../src/base/sys.ts';
import { Dirent, readDirent } from '../../src/p9/dirent.ts';
import { T } from '../../src/p9/messages.ts';
import { startQfsd } from '../helpers/server.ts';
import {
  ask,
  helper,
  mountShare,
  needsMount,
  peakMB,
  quickPlace,
  Stepper,
  sides,
  unmountShare,
  withGround,
} from './ground.ts';
import type { Listing } from './list-folder.ts';

/** Of each side's process; Node itself holds some 55. */
const MEMORY_MAX_MB = 160;
const all = (count: number): Listing => ({
  once: count,
  never: 0,
  more: 0,
  others: 0,
  places: 0,
  strayed: 0,
});

test('100,000 entries through a mount, and over raw 9P', needsMount, (t) => listed(t, quickPlace(), 100_000));

// A disk's file system orders its entries in ways of its own (ext4 by hash), and memory by age.
test('20,000 entries of a disk, the same', needsMount, (t) => listed(t, tmpdir(), 20_000));

function listed(t: TestContext, place: string, count: number): Promise<void> {
  const ALL = all(count);
  return withGround('listing', place, async (g) => {
    const big = join(g.share, 'big');
    mkdirSync(big);
    await ask(helper('make-files', big, 'stay-', String(count)));
    await mountShare(g);
    const seen = join(g.mnt, 'big');
    const list = (...hows: string[]): Promise<Listing[]> =>
      ask(helper('list-folder', seen, String(count), ...hows), { patience: 90_000 });

    const quiet = await list('readdir', '280', '1048576', 'looks', 'seek');
    assert.deepEqual(quiet.slice(0, 4), [ALL, ALL, ALL, ALL]);
    assert.deepEqual(quiet[4], { ...ALL, places: quiet[4]?.places });
    assert.ok((quiet[4]?.places ?? 0) >= count / 1000 - 1);
    await overRaw9p(t, g.share, { count, size: 1000, quiet: true });

    const behind = new Stepper(helper('churn', big, 'behind-'));
    const before = new Stepper(helper('churn', seen, 'before-'));
    try {
      await Promise.all([behind.says(), before.says()]);
      for (const [i, l] of (await list('readdir', '2048', '1048576', 'looks', 'seek')).entries()) {
        assert.deepEqual({ ...l, others: 0, places: 0 }, ALL, `listing ${i} while entries come and go`);
        assert.ok(l.others > 0, `some of what comes and goes was seen by listing ${i}: ${JSON.stringify(l)}`);
      }
      await overRaw9p(t, g.share, { count, size: 65_536, quiet: false });
      const made = await Promise.all([behind.step<number>(), before.step<number>()]);
      assert.ok(Math.min(...made) > 100, `entries came and went: ${made}`);
      t.diagnostic(`${made[0]} entries came and went behind the mount and ${made[1]} through it`);
    } finally {
      await behind.end();
      await before.end();
    }
    assert.deepEqual(await list('readdir'), [ALL]);

    const pids = await sides(g);
    const peak = { mount: peakMB(pids.mount), server: peakMB(pids.server) };
    t.diagnostic(`memory peak: mount ${peak.mount} MB, server ${peak.server} MB`);
    assert.ok(peak.mount < MEMORY_MAX_MB && peak.server < MEMORY_MAX_MB, JSON.stringify(peak));
    await unmountShare(g);
  });
}

/** Lists the folder by Treaddir with replies of at most `size` bytes, then asks again from cookies all over it, the last first. */
async function overRaw9p(
  t: TestContext,
  share: string,
  { count: due, size, quiet }: { count: number; size: number; quiet: boolean },
): Promise<void> {
  const server = startQfsd(t, share, { sandbox: 'none' });
  const { client } = server;
  await client.attach();
  assert.equal((await client.walk(0, 1, 'big')).errno, 0);
  assert.equal((await client.call(T.lopen, { fid: 1, flags: O_DIRECTORY })).errno, 0);
  const seen = new Map<string, number>();
  const places: { at: bigint; name: string }[] = [];
  let at = 0n;
  let i = 0;
  for (;;) {
    const got = await entriesFrom(at, size);
    if (got.length === 0) break;
    for (const { name, next } of got) {
      seen.set(name, (seen.get(name) ?? 0) + 1);
      if (i++ % 1000 === 7 && name.startsWith('stay-')) places.push({ at, name });
      at = next;
    }
  }
  const stay = [...seen].filter(([name]) => name.startsWith('stay-'));
  assert.equal(stay.length, due);
  assert.deepEqual(
    stay.filter(([, times]) => times !== 1),
    [],
  );
  // `.` and `..` are entries of their own on the wire.
  if (quiet) assert.equal(seen.size, due + 2);
  assert.ok(places.length >= (due / 1000) * 0.9);
  for (const { at: place, name } of places.reverse()) {
    const first = (await entriesFrom(place, 65_536)).find((e) => e.name.startsWith('stay-'));
    assert.equal(first?.name, name, `what comes at the cookie ${place}`);
  }
  t.diagnostic(`raw 9P, replies of ${size} bytes: server's memory peak ${peakMB(server.pid)} MB`);
  assert.equal(await server.close(), 0);

  async function entriesFrom(offset: bigint, count: number): Promise<{ name: string; next: bigint }[]> {
    const r = await client.call(T.readdir, { fid: 1, offset, count });
    assert.equal(r.errno, 0);
    assert.ok(r.data.length <= count);
    const dv = new DataView(r.data.buffer, r.data.byteOffset, r.data.length);
    const e = new Dirent();
    const found: { name: string; next: bigint }[] = [];
    for (let p = 0; p < r.data.length; ) {
      p = readDirent(dv, p, r.data.length, e);
      assert.ok(p > 0, 'whole entries');
      const name = Buffer.from(r.data.subarray(e.nameOff, e.nameOff + e.nameLen)).toString('latin1');
      found.push({ name, next: (BigInt(e.offsetHi) << 32n) | BigInt(e.offsetLo) });
    }
    return found;
  }
}
