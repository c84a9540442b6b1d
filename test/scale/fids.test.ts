// SPDX-License-Identifier: MIT
// One client with a fid on each of 100,000 files, at a server under `ulimit -n 1024`: descriptors are reclaimed, and an object is found again only if it is the
// very same one.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ESTALE } from '../../src/base/errno.ts';
import { T } from '../../src/p9/messages.ts';
import type { Raw9p, Reply } from '../helpers/raw9p.ts';
import { startQfsd } from '../helpers/server.ts';
import { ask, helper, openDescriptors, peakMB, quickPlace, withGround } from './ground.ts';
import { COUNT, type Fate, FILES, FOLDERS, fate, first, LENGTH, nameOf, settled } from './tree.ts';

/** Requests under way at one time. */
const AHEAD = 400;
const MEMORY_MAX_MB = 256;
/** Where a file's fid is, and the one through which it is read. */
const fidOf = (i: number): number => 1000 + i;
const folderFid = (d: number): number => 1 + d;
const READER = 500;
const skip = existsSync('/usr/bin/prlimit') ? {} : { skip: 'needs prlimit, of the package util-linux' };

test('100,000 fids with 1,024 descriptors', skip, async (t) => {
  await withGround('fids', quickPlace(), async (g) => {
    mkdirSync(join(g.share, 'tree'));
    await ask(helper('tree-maker', join(g.share, 'tree'), 'make'));
    const server = startQfsd(t, g.share, {
      sandbox: 'none',
      through: ['prlimit', '--nofile=1024:1024', '--'],
    });
    const { client } = server;
    await client.attach();
    const walked: Reply[] = [];
    for (let d = 0; d < FOLDERS; d++) walked.push(await client.walk(0, folderFid(d), 'tree', `d${d}`));
    await eachOf(COUNT, AHEAD, async (from, to) => {
      for (let i = from; i < to; i++) {
        const names = [nameOf(i).split('/')[1] as string];
        client.send(client.frame(T.walk, { fid: folderFid(Math.floor(i / FILES)), newfid: fidOf(i), names }));
      }
      for (let i = from; i < to; i++) walked.push((await client.next()) as Reply);
    });
    assert.deepEqual(walked.filter((r) => r.errno !== 0).length, 0, 'every fid is given');
    assert.ok(openDescriptors(server.pid) <= 1024);

    // Nobody else looks while it happens.
    await ask(helper('tree-maker', join(g.share, 'tree'), 'disturb'));
    const wrong: string[] = [];
    const stale = new Map<Fate, number>();
    let right = 0;
    await eachOf(COUNT, AHEAD / 4, async (from, to) => {
      const asked: number[] = [];
      for (let i = from; i < to; i++) {
        if (!isRead(i)) continue;
        asked.push(i);
        sendRead(client, fidOf(i), READER + (i - from));
      }
      for (const i of asked) {
        const { text, errno } = await takeRead(client);
        const same = text === first(i) || (fate(i) === 'rewritten' && text === settled(i));
        const lost = errno === ESTALE && !['left', 'rewritten'].includes(fate(i));
        if (lost) stale.set(fate(i), (stale.get(fate(i)) ?? 0) + 1);
        if (same || lost) right++;
        else wrong.push(`${nameOf(i)} (${fate(i)}): ${errno || text}`);
      }
    });
    assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} are wrong`);
    assert.equal(right, Array.from({ length: COUNT }, (_, i) => i).filter(isRead).length);
    for (const what of [
      'replaced',
      'remade',
      'swapped',
      'unlinked',
      'replacedFolder',
      'remadeFolder',
    ] as const)
      assert.ok(
        (stale.get(what) ?? 0) > 0,
        `${what}: some could only be found by name, and are not what was there`,
      );
    t.diagnostic(`${right} read; ESTALE: ${JSON.stringify(Object.fromEntries(stale))}`);
    const peak = peakMB(server.pid);
    t.diagnostic(`${openDescriptors(server.pid)} descriptors; the server's memory peak ${peak} MB`);
    assert.ok(peak < MEMORY_MAX_MB, `${peak} MB`);
    assert.equal(await server.close(), 0);
  });
});

/** All that something happens to but for whole folders, and some of the others. */
function isRead(i: number): boolean {
  if (fate(i) === 'left') return i % 50 === 7;
  return !fate(i).endsWith('Folder') || i % 5 === 0;
}

async function eachOf(
  count: number,
  size: number,
  work: (from: number, to: number) => Promise<void>,
): Promise<void> {
  for (let i = 0; i < count; i += size) await work(i, Math.min(count, i + size));
}

/** Opens, reads and closes what a fid names, by way of another fid, in one go. */
function sendRead(client: Raw9p, fid: number, reader: number): void {
  client.send(client.frame(T.walk, { fid, newfid: reader, names: [] }));
  client.send(client.frame(T.lopen, { fid: reader, flags: 0 }));
  client.send(client.frame(T.read, { fid: reader, offset: 0, count: 2 * LENGTH }));
  client.send(client.frame(T.clunk, { fid: reader }));
}

async function takeRead(client: Raw9p): Promise<{ text: string; errno: number }> {
  const replies: Reply[] = [];
  for (let k = 0; k < 4; k++) replies.push((await client.next()) as Reply);
  const [walk, opened, read, clunk] = replies as [Reply, Reply, Reply, Reply];
  assert.deepEqual([walk.errno, clunk.errno], [0, 0]);
  return { text: Buffer.from(read.data).toString('latin1'), errno: opened.errno };
}
