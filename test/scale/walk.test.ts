// SPDX-License-Identifier: MIT
// 100,000 files that were all looked up, then all read, with both sides under `ulimit -n 1024`; and others change some of them meanwhile.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ask,
  fileLimit,
  helper,
  mountShare,
  needsMount,
  openDescriptors,
  peakMB,
  quickPlace,
  Stepper,
  sides,
  unmountShare,
  withGround,
} from './ground.ts';
import { FILES } from './tree.ts';

/** Of the mount's process: the kernel has it remember every object that it knows itself, some 600 bytes each. */
const MOUNT_MAX_MB = 256;
const SERVER_MAX_MB = 160;
const skip = existsSync('/usr/bin/prlimit')
  ? needsMount
  : { skip: 'needs prlimit, of the package util-linux' };
const LIMIT = ['prlimit', '--nofile=1024:1024', '--'];
/** What the kernel may answer without asking, and a little more. */
const SETTLE_MS = 1500;

interface Findings {
  right: number;
  wrong: number;
  told: string[];
  stale?: Record<string, number>;
}

test('100,000 files looked up, changed behind the mount, and read', skip, (t) => walk(t, quickPlace(), 100));

// On a disk's file system, which may give the inode number of a removed file to the next at once: more files than the mount keeps fids for.
test('8,000 files of a disk, the same', skip, (t) => walk(t, tmpdir(), 8));

function walk(t: TestContext, place: string, folders: number): Promise<void> {
  const count = folders * FILES;
  const env = { NINEFOLD_TEST_FOLDERS: String(folders) };
  return withGround('walk', place, async (g) => {
    const tree = join(g.share, 'tree');
    mkdirSync(tree);
    await ask(helper('tree-maker', tree, 'make'), { env });
    await mountShare(g, { through: LIMIT });
    const pids = await sides(g);
    for (const pid of [pids.mount, pids.server]) assert.equal(fileLimit(pid), '1024:1024');
    const walker = new Stepper(helper('walker', join(g.mnt, 'tree')), env);
    const timed = async (step: string): Promise<Findings> => {
      const began = performance.now();
      const f = await walker.step<Findings>(step);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      const open = `${openDescriptors(pids.mount)} and ${openDescriptors(pids.server)} descriptors`;
      const stale = f.stale === undefined ? '' : `; ESTALE: ${JSON.stringify(f.stale)}`;
      t.diagnostic(`${step}: ${f.right} right in ${seconds} s; ${open}${stale}`);
      assert.deepEqual(f.told, [], `${step}: ${f.wrong} are wrong`);
      return f;
    };
    try {
      assert.ok((await walker.step<number>('hold')) > 300);
      assert.equal((await timed('look')).right, count);
      const disturbed = ask<number>(helper('tree-maker', tree, 'disturb'), { env });
      const [seen, again] = await Promise.all([timed('readMeanwhile'), disturbed]);
      assert.ok(seen.right > count / 10);
      t.diagnostic(`${again} new files have the inode number of the file before them`);
      await sleep(SETTLE_MS);
      const held = await timed('readHeld');
      assert.ok((held.stale?.replaced ?? 0) > 0, 'some of those that are held could not be found again');
      assert.equal((await timed('read')).right, count);
      const peak = { mount: peakMB(pids.mount), server: peakMB(pids.server) };
      t.diagnostic(`memory peak: mount ${peak.mount} MB, server ${peak.server} MB`);
      assert.ok(peak.mount < MOUNT_MAX_MB && peak.server < SERVER_MAX_MB, JSON.stringify(peak));
    } finally {
      await walker.end();
    }
    await unmountShare(g);
  });
}
