// SPDX-License-Identifier: MIT
// A disk that is full, and one that can only be read any more.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../helpers/cli.ts';
import { seedOf } from '../helpers/random.ts';
import { type Ground, mountShare, quickPlace, unmountShare, withGround } from '../scale/ground.ts';
import { besideAnother, pause } from './bystander.ts';
import { Writer } from './ground.ts';
import { LoopFs, noLoop } from './loop-fs.ts';
import { lost, lostInCut } from './survived.ts';

const why = noLoop();
const needs = why === undefined ? {} : { skip: why };

/** A share that is a file system of its own, mounted; another share is worked in meanwhile. */
async function withDisk(
  label: string,
  megabytes: number,
  work: (disk: LoopFs, g: Ground, writer: Writer) => Promise<void>,
): Promise<void> {
  await besideAnother(() =>
    withGround(label, quickPlace(), async (g) => {
      const disk = new LoopFs(g.dir);
      const writer = new Writer();
      try {
        await disk.make(megabytes);
        await disk.mount();
        mkdirSync(join(disk.dir, 'w'));
        await mountShare(g, { share: disk.dir, program: 'qfsd' });
        await work(disk, g, writer);
        await unmountShare(g);
        await disk.unmount();
        await disk.check();
      } finally {
        await writer.end();
        await disk.end();
      }
    }),
  );
}

test('a full disk: ENOSPC, nothing lost, and it goes on when there is room again', needs, async (t) => {
  const seed = seedOf();
  await withDisk('full', 64, async (disk, g, writer) => {
    const { bavail, bsize } = statfsSync(disk.dir);
    writeFileSync(join(disk.dir, 'ballast'), Buffer.alloc(bavail * bsize - (1 << 20), 1));
    const record = await writer.run(join(g.mnt, 'w'), seed);
    t.diagnostic(`NINEFOLD_SEED=${seed}: ${record.acknowledged.length} steps until ${record.code}`);
    assert.equal(record.code, 'ENOSPC');
    assert.deepEqual(lost(join(disk.dir, 'w'), record), []);
    const dd = await run(['dd', 'if=/dev/zero', `of=${g.mnt}/more`, 'bs=1M', 'count=8', 'conv=fsync']);
    assert.match(dd.stderr, /No space left on device/);
    assert.notEqual(dd.code, 0);
    // Reading needs no room.
    assert.ok((await run(['find', g.mnt, '-type', 'f'])).stdout.includes('ballast'));
    rmSync(join(disk.dir, 'ballast'));
    rmSync(join(disk.dir, 'more'), { force: true });
    await run(['mkdir', join(g.mnt, 'w2')]);
    const again = await writer.run(join(g.mnt, 'w2'), seed + 1, () => {}, 30);
    assert.equal(again.code, 'done');
    assert.deepEqual(lost(join(disk.dir, 'w2'), again), []);
    assert.deepEqual(lost(join(disk.dir, 'w'), record), []);
  });
});

test(
  'a disk that became read-only: EROFS, reading goes on, and so does writing after it was made writable',
  needs,
  async (t) => {
    const seed = seedOf();
    await withDisk('readonly', 64, async (disk, g, writer) => {
      const works = writer.run(join(g.mnt, 'w'), seed);
      await pause(200);
      // Refused with EBUSY while a file is open for writing: the writer's are open for a moment each.
      for (let i = 0; ; i++) {
        try {
          await disk.remount('ro');
          break;
        } catch (error) {
          if (i === 200) throw error;
        }
      }
      const record = await works;
      t.diagnostic(`NINEFOLD_SEED=${seed}: ${record.acknowledged.length} steps until ${record.code}`);
      assert.equal(record.code, 'EROFS');
      assert.deepEqual(lost(join(disk.dir, 'w'), record), []);
      const listed = await run(['ls', '-A', join(g.mnt, 'w')]);
      assert.equal(
        listed.stdout.trim().split('\n').filter(Boolean).length,
        readdirSync(join(disk.dir, 'w')).length,
      );
      assert.match((await run(['touch', join(g.mnt, 'new')])).stderr, /Read-only file system/);
      await disk.remount('rw');
      await run(['mkdir', join(g.mnt, 'w2')]);
      const again = await writer.run(join(g.mnt, 'w2'), seed + 1, () => {}, 30);
      assert.equal(again.code, 'done');
      assert.deepEqual(lost(join(disk.dir, 'w2'), again), []);
    });
  },
);

test(
  'a disk that failed and gave up (ext4\u2019s abort): an error to each writer, reading goes on',
  needs,
  async () => {
    await withDisk('abort', 64, async (disk, g, writer) => {
      writeFileSync(join(disk.dir, 'kept'), 'kept');
      // On a busy machine the disk may fail before the writer has synced anything: not even its folder would be there.
      assert.equal((await run(['sync', '-f', disk.dir])).code, 0);
      let acknowledged = 0;
      const works = writer.run(join(g.mnt, 'w'), 7, (count) => {
        acknowledged = count;
      });
      await pause(200);
      const sure = acknowledged;
      await disk.remount('abort').catch(() => undefined);
      const record = await works;
      assert.ok(['EROFS', 'EIO'].includes(record.code), record.code);
      const cat = await run(['cat', join(g.mnt, 'kept')]);
      assert.equal(cat.stdout + cat.stderr, 'kept');
      await unmountShare(g);
      await disk.unmount();
      await disk.mount();
      // As at a power cut: what ext4 says while it gives up is not sure.
      assert.deepEqual(lostInCut(join(disk.dir, 'w'), record, sure), []);
      await mountShare(g, { share: disk.dir, program: 'qfsd' });
    });
  },
);
