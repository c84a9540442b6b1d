// SPDX-License-Identifier: MIT
// A 5 GiB sparse file reads and writes right past 2 and 4 GiB.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, helper, mountShare, needsMount, unmountShare, withGround } from './ground.ts';

const SIZE = 5 * 2 ** 30;

interface Outcome {
  right: number;
  due: number;
  size: number;
  megabytes: number;
}

test('5 GiB, sparse: written on either side, right on both', needsMount, async () => {
  await withGround('big', tmpdir(), async (g) => {
    await mountShare(g);
    const [here, there] = [join(g.mnt, 'big'), join(g.share, 'big')];
    const work = async (...args: string[]): Promise<Outcome> => {
      const r = await ask<Outcome>(helper('big-file', ...args));
      assert.deepEqual({ right: r.right, size: r.size }, { right: r.due, size: SIZE }, args.join(' '));
      return r;
    };
    await work(here, 'write', '1');
    const behind = await work(there, 'check', '1');
    assert.ok(behind.megabytes < 10, `it takes ${behind.megabytes} MB on the disk: the holes are holes`);
    await work(here, 'check', '1');
    await work(here, 'check', '1', 'direct');
    assert.equal(statSync(here).size, SIZE);

    // The other way round. The size stays, so the kernel has to notice by the version that its pages are old.
    await work(there, 'write', '2');
    await work(here, 'check', '2');
    await work(here, 'check', '2', 'direct');
    await assert.rejects(work(here, 'check', '1'), /check 1/, 'the check can fail');
    await unmountShare(g);
  });
});
