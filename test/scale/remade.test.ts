// SPDX-License-Identifier: MIT
// A file that was removed and made again has its name and, on many file systems, its inode number. Whoever still holds the old one must not get the new one's
// bytes: neither within the second in which the kernel does not ask, nor later, nor the second time.

import assert from 'node:assert/strict';
import { existsSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ESTALE } from '../../src/base/errno.ts';
import { T } from '../../src/p9/messages.ts';
import { startQfsd } from '../helpers/server.ts';
import { mountShare, needsMount, unmountShare, withGround } from './ground.ts';

const needsPrlimit = existsSync('/usr/bin/prlimit')
  ? {}
  : { skip: 'needs prlimit, of the package util-linux' };
const COUNT = 30;
const O_PATH = 0o10000000;
const name = (i: number): string => `file${i}`;

test('a file made again under its name and inode number', needsMount, async (t) => {
  await withGround('remade', tmpdir(), async (g) => {
    const there = (i: number): string => join(g.share, name(i));
    for (let i = 0; i < COUNT; i++) writeFileSync(there(i), `${i}: old`);
    await mountShare(g);
    const held: FileHandle[] = [];
    try {
      for (let i = 0; i < COUNT; i++) held.push(await open(join(g.mnt, name(i)), O_PATH));
      let again = 0;
      for (let i = 0; i < COUNT; i++) again += remake(g.share, i);
      t.diagnostic(`${again} of ${COUNT} have the same inode number`);
      const look = async (when: string): Promise<void> => {
        const found = await Promise.all(held.map((h) => readHeld(h.fd)));
        const wrong = found.filter((text, i) => text !== 'ESTALE' && text !== `${i}: old`);
        assert.deepEqual(wrong, [], when);
      };
      await look('at once');
      await look('a second time');
      await sleep(1200);
      // The kernel asks for attributes now; what it is told must not lead to the new file either.
      await Promise.all(held.map((h) => stat(`/proc/self/fd/${h.fd}`).catch(() => undefined)));
      await look('later');
      const byName = await Promise.all(held.map((_, i) => readFile(join(g.mnt, name(i)), 'utf8')));
      assert.deepEqual(
        byName,
        Array.from(held, (_, i) => `${i}: new`),
      );
      await look('with the new ones looked up');
    } finally {
      for (const h of held) await h.close();
    }
    await unmountShare(g);
  });
});

test('the same over raw 9P, with more fids than descriptors', needsPrlimit, async (t) => {
  await withGround('remade', tmpdir(), async (g) => {
    const others = 400;
    for (let i = 0; i < COUNT; i++) writeFileSync(join(g.share, name(i)), `${i}: old`);
    for (let i = 0; i < others; i++) writeFileSync(join(g.share, `other${i}`), '');
    const server = startQfsd(t, g.share, { sandbox: 'none', through: ['prlimit', '--nofile=256:256', '--'] });
    const { client } = server;
    await client.attach();
    for (let i = 0; i < COUNT; i++) assert.equal((await client.walk(0, 1 + i, name(i))).errno, 0);
    for (let i = 0; i < others; i++) assert.equal((await client.walk(0, 1000 + i, `other${i}`)).errno, 0);
    let again = 0;
    for (let i = 0; i < COUNT; i++) again += remake(g.share, i);
    t.diagnostic(`${again} of ${COUNT} have the same inode number`);
    for (let i = 0; i < COUNT; i++) {
      const got = await client.call(T.getattr, { fid: 1 + i, mask: 0x7ff });
      const opened = await client.call(T.lopen, { fid: 1 + i, flags: 0 });
      assert.deepEqual([got.errno, opened.errno], [ESTALE, ESTALE], name(i));
    }
    assert.equal(await server.close(), 0);
  });
});

/** Files that took other numbers, so that none is lower than the one that is wanted. */
let fillers = 0;
const TRIES = 40;

/** Puts another file in the place of one, with its inode number if that can be had: then 1, else 0. */
function remake(folder: string, i: number): 0 | 1 {
  const path = join(folder, name(i));
  const { ino } = statSync(path);
  unlinkSync(path);
  let made = '';
  for (let k = 0; k < TRIES; k++) {
    made = join(folder, `filler${fillers++}`);
    writeFileSync(made, `${i}: new`);
    if (statSync(made).ino === ino) break;
  }
  const same = statSync(made).ino === ino;
  renameSync(made, path);
  return same ? 1 : 0;
}

async function readHeld(fd: number): Promise<string> {
  try {
    return await readFile(`/proc/self/fd/${fd}`, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).errno === -ESTALE) return 'ESTALE';
    throw error;
  }
}
