// SPDX-License-Identifier: MIT
// A file that was removed and made again has its name and, on many file systems, its inode number. Whoever still holds the old one must not get the new one's
// bytes: neither within the second in which the kernel does not ask, nor later, nor the second time.

import assert from 'node:assert/strict';
import { renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ESTALE } from '../../src/base/errno.ts';
import { mountShare, needsMount, unmountShare, withGround } from './ground.ts';

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
