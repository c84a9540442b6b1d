// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ENOTEMPTY } from '../../src/base/errno.ts';
import { T } from '../../src/p9/messages.ts';
import { scratch } from '../helpers/places.ts';
import type { Raw9p } from '../helpers/raw9p.ts';
import { startQfsd } from '../helpers/server.ts';

/** Leaves a folder D with a folder "old" inside as fid 1, whose descriptor is next to be taken back, and 40 fids of "old" that have none. Each `k` puts the pool's hand somewhere else. */
async function crowded(c: Raw9p, dir: string, k: number): Promise<void> {
  await c.attach();
  mkdirSync(join(dir, `D${k}/old`), { recursive: true });
  for (let i = 0; i < 40; i++) await c.walk(0, 10 + i, `D${k}`, 'old');
  for (let i = 0; i < 150; i++) await c.walk(0, 100 + i, `o${i}`);
  await c.walk(0, 1, `D${k}`);
  for (let i = 0; i < k; i++) {
    await c.walk(0, 400 + i, `o${200 + (i % 200)}`);
    if (i % 10 === 0) await c.call(T.getattr, { fid: 1, mask: 1 });
  }
  // In use, so that the folder's own descriptor is the next to go.
  for (let i = 0; i < 61; i++) await c.call(T.getattr, { fid: 400 + k - 1 - i, mask: 1 });
}

test('a folder keeps its descriptor while an entry of it is removed or replaced, whatever else needs one', async (t) => {
  const dir = scratch(t, 'crowded');
  const s = startQfsd(t, dir, { sandbox: 'none', args: ['--max-fds', '64'] });
  const c = s.client;
  for (let i = 0; i < 400; i++) writeFileSync(join(dir, `o${i}`), '');
  for (let k = 64; k < 76; k++) {
    await crowded(c, dir, k);
    mkdirSync(join(dir, `D${k}/old/old`));
    assert.equal(
      (await c.call(T.unlinkat, { fid: 1, name: 'old', flags: 0x200 })).errno,
      ENOTEMPTY,
      'it is D/old that is not empty',
    );
    assert.deepEqual(readdirSync(join(dir, `D${k}/old`)), ['old'], 'nothing further down is removed');
  }
  for (let k = 76; k < 88; k++) {
    await crowded(c, dir, k);
    mkdirSync(join(dir, `x${k}`));
    assert.equal((await c.call(T.renameat, { fid: 0, name: `x${k}`, newdirfid: 1, name2: 'old' })).errno, 0);
    assert.deepEqual(readdirSync(join(dir, `D${k}`)), ['old']);
    assert.deepEqual(readdirSync(join(dir, `D${k}/old`)), []);
    assert.equal(existsSync(join(dir, `x${k}`)), false);
  }
  assert.equal(await s.close(), 0, s.stderr());
});
