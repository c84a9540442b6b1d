// SPDX-License-Identifier: MIT
// 50 mounts at once on one machine: each works, all are listed, nothing is left of them.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { leftovers, mountsBelow, run } from '../helpers/cli.ts';
import { mountShare, needsMount, unmountShare, withGround } from './ground.ts';

const COUNT = 50;
/** Started at one time: each is four Node processes for a moment. */
const BATCH = 8;

test('50 mounts at once', needsMount, async (t) => {
  await withGround('many', tmpdir(), async (g) => {
    const numbers = Array.from({ length: COUNT }, (_, i) => i);
    const share = (i: number): string => join(g.share, `share-${i}`);
    const point = (i: number): string => join(g.mnt, String(i));
    for (const i of numbers) {
      mkdirSync(share(i));
      mkdirSync(point(i));
      writeFileSync(join(share(i), 'which'), String(i));
    }
    await inBatches(numbers, (i) => mountShare(g, { program: 'qfsd', share: share(i), at: point(i) }));
    assert.equal(mountsBelow(g.dir).length, COUNT);
    const listed = await g.list();
    assert.deepEqual(
      listed.map((m) => `${m.mountpoint} ${m.state}`).sort(),
      numbers.map((i) => `${point(i)} connected`).sort(),
    );
    assert.equal(new Set(listed.map((m) => m.pid)).size, COUNT, 'each is a process of its own');

    // Two rounds, so that each is used again after all the others were.
    const script = 'for d in "$@"; do cat "$d/which" > "$d/copy" && cat "$d/copy" || exit 1; echo; done';
    for (let round = 0; round < 2; round++) {
      const r = await run(['/bin/sh', '-c', script, 'sh', ...numbers.map(point)], {
        cwd: '/',
        patience: 60_000,
      });
      assert.deepEqual([r.code, r.stdout, r.stderr], [0, `${numbers.join('\n')}\n`, '']);
    }
    for (const i of numbers) assert.equal(readFileSync(join(share(i), 'copy'), 'utf8'), String(i));
    t.diagnostic(`operations: ${(await g.list()).reduce((sum, m) => sum + m.operations, 0)} on all`);

    // Some by our own command, which waits for the end; the others by the system's, which does not.
    await inBatches(numbers.slice(0, BATCH), (i) => unmountShare(g, point(i)));
    assert.equal((await g.list()).length, COUNT - BATCH);
    const r = await run(['umount', ...numbers.slice(BATCH).map(point)]);
    assert.deepEqual([r.code, r.stderr], [0, '']);
    assert.deepEqual(mountsBelow(g.dir), []);
    assert.deepEqual(await leftovers(g.dir), []);
    assert.deepEqual(await g.list(), []);
    assert.deepEqual(readdirSync(g.env.NINEFOLD_RUNTIME_DIR ?? ''), [], 'the register is empty');
  });
});

async function inBatches(numbers: readonly number[], work: (i: number) => Promise<void>): Promise<void> {
  for (let i = 0; i < numbers.length; i += BATCH) await Promise.all(numbers.slice(i, i + BATCH).map(work));
}
