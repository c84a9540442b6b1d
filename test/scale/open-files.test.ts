// SPDX-License-Identifier: MIT
// 1,000 files open at once on one mount, some of them unlinked, renamed or replaced meanwhile, on either side.

import assert from 'node:assert/strict';
import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  helper,
  mountShare,
  needsMount,
  openDescriptors,
  peakMB,
  Stepper,
  sides,
  unmountShare,
  withGround,
} from './ground.ts';
import { after, before, fate, nameOf } from './held.ts';

const COUNT = 1000;

test('1,000 files open at once', needsMount, async (t) => {
  await withGround('open', tmpdir(), async (g) => {
    const there = (i: number, more = ''): string => join(g.share, `${nameOf(i)}${more}`);
    for (let i = 1; i < COUNT; i += 2) writeFileSync(there(i), before(i));
    await mountShare(g);
    const holder = new Stepper(helper('hold-files', g.mnt, String(COUNT)));
    try {
      assert.equal(await holder.step('open'), COUNT);
      const { mount, server } = await sides(g);
      const open = { mount: openDescriptors(mount), server: openDescriptors(server) };
      t.diagnostic(`while they are open: ${JSON.stringify(open)} descriptors`);
      assert.ok(open.server >= COUNT, 'all are really open');
      await holder.step('disturb');
      for (let i = 0; i < COUNT; i++) {
        if (fate(i) === 'unlinkedBehind') unlinkSync(there(i));
        else if (fate(i) === 'renamedBehind') renameSync(there(i), there(i, '-moved'));
        else if (fate(i) === 'replacedBehind') {
          writeFileSync(there(i, '-new'), 'another');
          renameSync(there(i, '-new'), there(i));
        }
      }
      assert.deepEqual(await holder.step('use'), []);
      assert.deepEqual(await holder.step('check'), []);
      // While they are still open: closing must not be what brings the bytes over.
      const read = (i: number, more = ''): string => readFileSync(there(i, more), 'latin1');
      for (let i = 0; i < COUNT; i++) {
        const what = fate(i);
        if (what === 'left') assert.equal(read(i), after(i));
        else if (what.startsWith('renamed')) assert.equal(read(i, '-moved'), after(i));
        else if (what.startsWith('replaced')) assert.equal(read(i), 'another');
        else assert.throws(() => read(i), { code: 'ENOENT' });
      }
      await holder.step('close');
      await once(() => openDescriptors(server) < open.server - COUNT + 20, 'the server closes them');
      t.diagnostic(`memory peak: mount ${peakMB(mount)} MB, server ${peakMB(server)} MB`);
    } finally {
      await holder.end();
    }
    await unmountShare(g);
  });
});

/** Waits until it is so, 5 s at the most. */
async function once(so: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 250 && !so(); i++) await new Promise((r) => setTimeout(r, 20));
  assert.ok(so(), what);
}
