// SPDX-License-Identifier: MIT
// Errors of a disk itself, by device-mapper: one that is gone, one that takes no writes, one with a bad spot.

import assert from 'node:assert/strict';
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { run } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { seedOf } from '../helpers/random.ts';
import { pause } from './bystander.ts';
import { Writer } from './ground.ts';
import { type Pair, serveAndMount } from './in-process.ts';
import { MappedDisk, noMapper } from './mapped-disk.ts';
import { lost } from './survived.ts';

const why = noMapper();
const needs = why === undefined ? {} : { skip: why };
/** In a guest everything takes its time. */
const PATIENCE_MS = 120_000;
const LARGE = 1 << 20;

function writeFile(path: string, data: Buffer): void {
  const fd = openSync(path, 'w');
  writeSync(fd, data);
  fsyncSync(fd);
  closeSync(fd);
}

/** A disk with the files `kept` and `large`, of which nothing is in memory, served and mounted; all is taken away afterwards. */
async function withMapped(
  t: TestContext,
  work: (disk: MappedDisk, pair: Pair, writer: Writer) => Promise<void>,
): Promise<void> {
  const disk = new MappedDisk(scratch(t, 'mapped'), 64);
  const writer = new Writer();
  let pair: Pair | undefined;
  try {
    await disk.make();
    await disk.mount();
    mkdirSync(join(disk.dir, 'w'));
    writeFile(join(disk.dir, 'kept'), Buffer.from('kept'));
    writeFile(join(disk.dir, 'large'), Buffer.alloc(LARGE, 'large'));
    await disk.unmount();
    await disk.mount();
    const opened = await serveAndMount(disk.dir);
    let ending: Promise<number | string> | undefined;
    // `work` may end it before the disk is looked at.
    pair = { ...opened, end: () => (ending ??= opened.end()) };
    await work(disk, pair, writer);
    assert.equal(await pair.end(), 0, 'the server ends as it should');
    await disk.unmount();
  } finally {
    await writer.end();
    await pair?.end();
    await disk.end();
  }
}

const cat = (pair: Pair, name: string): ReturnType<typeof run> =>
  run(['cat', join(pair.mount.dir, name)], { patience: PATIENCE_MS, cwd: tmpdir() });

/** Works until the disk fails, `how`; returns what was acknowledged after it was made good again and mounted anew. */
async function failWhileWriting(
  t: TestContext,
  how: 'dead' | 'unwritable',
  look: (pair: Pair) => Promise<void>,
): Promise<void> {
  const seed = seedOf();
  await withMapped(t, async (disk, pair, writer) => {
    let begun: () => void = () => {};
    const first = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const works = writer.run(join(pair.mount.dir, 'w'), seed, (n) => n === 5 && begun());
    await Promise.race([first, works]);
    await pause(seed % 200);
    await disk.become(disk.whole(how));
    const record = await works;
    t.diagnostic(`NINEFOLD_SEED=${seed}: ${record.acknowledged.length} steps until ${record.code}`);
    assert.ok(['EIO', 'EROFS'].includes(record.code), record.code);
    await look(pair);
    // The mount goes, and so does the file system below it.
    assert.equal(await pair.end(), 0);
    await disk.unmount();
    await disk.become();
    await disk.mount();
    assert.ok(record.acknowledged.length >= 5);
    assert.deepEqual(lost(join(disk.dir, 'w'), record), []);
  });
}

test(
  'a disk that is gone (dm-error): an error to the writer and to who reads; nothing acknowledged is lost',
  needs,
  (t) =>
    failWhileWriting(t, 'dead', async (pair) => {
      const read = await cat(pair, 'large');
      assert.match(read.stderr, /Input\/output error/);
      assert.equal(read.code, 1);
    }),
);

test(
  'a disk that takes no writes (dm-flakey): an error to the writer, reading goes on; nothing acknowledged is lost',
  needs,
  (t) =>
    failWhileWriting(t, 'unwritable', async (pair) => {
      const read = await cat(pair, 'large');
      assert.deepEqual([read.code, read.stderr], [0, '']);
      assert.equal(read.stdout, Buffer.alloc(LARGE, 'large').toString());
    }),
);

test(
  'a bad spot in one file: EIO there and nowhere else, and its bytes when it is mended',
  needs,
  async (t) => {
    await withMapped(t, async (disk, pair, writer) => {
      const spot = await disk.piecesOf('large', LARGE / 2, 65_536);
      assert.ok(spot.length >= 16);
      await disk.become(...spot);
      const read = await cat(pair, 'large');
      assert.match(read.stderr, /Input\/output error/);
      assert.ok(read.stdout.length <= LARGE / 2);
      assert.ok(Buffer.alloc(LARGE, 'large').toString().startsWith(read.stdout));
      const behind = await run(['tail', '-c', String(LARGE / 4), join(pair.mount.dir, 'large')], {
        patience: PATIENCE_MS,
      });
      assert.deepEqual([behind.code, behind.stdout.length], [0, LARGE / 4]);
      assert.equal((await cat(pair, 'kept')).stdout, 'kept');
      const record = await writer.run(join(pair.mount.dir, 'w'), 7, () => {}, 20);
      assert.equal(record.code, 'done');
      assert.deepEqual(lost(join(disk.dir, 'w'), record), []);
      await disk.become();
      assert.equal((await cat(pair, 'large')).stdout, Buffer.alloc(LARGE, 'large').toString());
    });
  },
);
