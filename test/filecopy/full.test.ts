// SPDX-License-Identifier: MIT
// A receiver whose disk is full: a real file system of a few MiB.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cannotMount, leftovers, ninefold, nodeProgram, type Running, start } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';

const MIB = 2 ** 20;
const needs = { skip: cannotMount() ?? false };

interface Desk {
  readonly top: string;
  readonly from: string;
  readonly disk: string;
  readonly source: string;
  receive(...options: string[]): Promise<Running>;
}

/** A folder with a small and a large file, and a disk of 4 MiB to receive on. */
function desk(t: TestContext): Desk {
  let mounted = '';
  // Before the folder is removed.
  t.after(() => mounted !== '' && execFileSync('umount', ['-l', mounted]));
  const top = scratch(t, 'full');
  const [from, disk, socket] = [join(top, 'from'), join(top, 'disk'), join(top, 's')];
  mkdirSync(join(from, 'a'), { recursive: true });
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'ninefold-test', disk]);
  mounted = disk;
  writeFileSync(join(from, 'a/1-small'), 'small');
  writeFileSync(join(from, 'a/2-large'), Buffer.alloc(8 * MIB, 'large '));
  writeFileSync(join(from, 'a/3-last'), 'last');
  return {
    top,
    from,
    disk,
    source: `unix:${socket}`,
    async receive(...options) {
      const started = start(
        nodeProgram('ninefold', 'receive', disk, '--listen', `unix:${socket}`, ...options),
        {
          patience: 120_000,
        },
      );
      t.after(() => started.child.kill('SIGTERM'));
      await started.says(/receiving into/);
      return started;
    },
  };
}

const freeOf = (disk: string): number => {
  const s = statfsSync(disk);
  return s.bavail * s.bsize;
};

test(
  'a full disk: told with the file’s name, what was whole stays, nothing half-made stays, and a move keeps all',
  needs,
  async (t) => {
    const d = desk(t);
    const listener = await d.receive();
    const r = await ninefold(['move', join(d.from, 'a'), d.source], { patience: 60_000 });
    assert.notEqual(r.code, 0);
    assert.match(r.stderr, /2-large/);
    assert.match(r.stderr, /the disk of the receiver is full/);
    assert.match(r.stderr, /make room there/);
    // Folders are sent in the order in which they are read: which came before it is not ours to say.
    for (const name of readdirSync(join(d.disk, 'a')))
      assert.deepEqual(readFileSync(join(d.disk, 'a', name)), readFileSync(join(d.from, 'a', name)), name);
    assert.ok(!readdirSync(join(d.disk, 'a')).includes('2-large'));
    assert.deepEqual(readdirSync(join(d.from, 'a')), ['1-small', '2-large', '3-last']);
    await listener.says(/connection 1 ended/);
    // What was written of the large file is given back, also what has no name.
    assert.ok(freeOf(d.disk) > 3.5 * MIB, `${freeOf(d.disk)} bytes free`);

    // Room is made, and the same command now does it.
    rmSync(join(d.disk, 'a'), { recursive: true });
    execFileSync('mount', ['-o', 'remount,size=16m', d.disk]);
    const again = await ninefold(['move', join(d.from, 'a'), d.source], { patience: 60_000 });
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(readdirSync(join(d.disk, 'a')), ['1-small', '2-large', '3-last']);
    assert.equal(statSync(join(d.disk, 'a/2-large')).size, 8 * MIB);
    assert.deepEqual(readdirSync(d.from), []);
    listener.child.kill('SIGTERM');
    await listener.ended;
    assert.deepEqual(
      (await leftovers(d.top)).filter((line) => !line.startsWith('ninefold-test ')),
      [],
    );
  },
);

test('--keep-free: it waits for room, and goes on when there is some', needs, async (t) => {
  const d = desk(t);
  writeFileSync(join(d.disk, 'old'), Buffer.alloc(3 * MIB));
  writeFileSync(join(d.from, 'a/2-large'), Buffer.alloc(2 * MIB, 'large '));
  const listener = await d.receive('--keep-free', '256K', '--space-patience', '60');
  const copying = ninefold(['copy', join(d.from, 'a'), d.source], { patience: 90_000 });
  for (let i = 0; i < 1000 && !readdirSync(d.disk).includes('a'); i++)
    await new Promise((ok) => setTimeout(ok, 10));
  await new Promise((ok) => setTimeout(ok, 1500));
  assert.ok(!readdirSync(join(d.disk, 'a')).includes('2-large'), 'it did not wait');
  rmSync(join(d.disk, 'old'));
  const r = await copying;
  assert.equal(r.code, 0, r.stderr);
  assert.deepEqual(readdirSync(join(d.disk, 'a')), ['1-small', '2-large', '3-last']);
  listener.child.kill('SIGTERM');
  await listener.ended;
});

test('--space-patience: when nobody makes room, it ends and says so', needs, async (t) => {
  const d = desk(t);
  writeFileSync(join(d.disk, 'old'), Buffer.alloc(3 * MIB));
  const listener = await d.receive('--keep-free', '512K', '--space-patience', '1');
  const r = await ninefold(['copy', join(d.from, 'a'), d.source], { patience: 60_000 });
  assert.notEqual(r.code, 0);
  assert.match(r.stderr, /the disk of the receiver is full/);
  assert.deepEqual(
    readdirSync(d.disk).filter((name) => name !== 'a' && name !== 'old'),
    [],
  );
  listener.child.kill('SIGTERM');
  await listener.ended;
});
