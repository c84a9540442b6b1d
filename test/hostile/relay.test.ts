// SPDX-License-Identifier: MIT
// A real server whose replies are changed at random on their way: no program hangs, nothing outside is touched, and the mount ends or goes on.

import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cannotMount } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { createRandom, seedOf } from '../helpers/random.ts';
import { MutatingRelay } from './mutating-relay.ts';
import { mountOn, run } from './rig.ts';

const BUDGET_MS = Number(process.env.NINEFOLD_FUZZ_MS ?? 4000);
const why = cannotMount();

/** Each a program of its own: what one of them is told must not keep the next from trying. */
const WORK = [
  'ls -laR .',
  'cat f d/g; readlink l; stat f d',
  'echo more >> f; mkdir n; mv n m; rmdir m',
  'cp big copy; cmp big copy; rm -f copy',
  'find . -type f -exec wc -c {} +',
];

test('replies that are changed on their way', why === undefined ? {} : { skip: why }, async (t) => {
  const seed = seedOf();
  const begin = performance.now();
  const count = { mounts: 0, changed: 0, broken: 0, programs: 0 };
  for (let i = 0; i === 0 || performance.now() - begin < BUDGET_MS; i++) {
    const share = join(scratch(t, 'relay'), 'share');
    mkdirSync(join(share, 'd'), { recursive: true });
    writeFileSync(join(share, 'f'), 'hello\n');
    writeFileSync(join(share, 'd/g'), 'inner\n');
    writeFileSync(join(share, 'big'), Buffer.alloc(300_000, 7));
    symlinkSync('f', join(share, 'l'));
    const random = createRandom(seed + i);
    const relay = new MutatingRelay(share, random);
    await relay.ready();
    const mounted = await mountOn(relay.fd);
    let ended: string | undefined;
    void mounted.end.then((end) => (ended = 'why' in end ? end.why : end.kind));
    relay.oneIn = 2 + random(60);
    try {
      for (let n = 0; n < 4 && ended === undefined; n++) {
        const ran = await run(
          '/bin/sh',
          ['-c', `cd ${mounted.dir} && { ${WORK[random(WORK.length)]}; }`],
          3000,
        );
        // One whose reply was swallowed waits for it, and is killed: that must work.
        assert.ok(['number', 'string'].includes(typeof ran.code));
        count.programs++;
      }
      await mounted.unmount();
      const late = new Promise((resolve) => setTimeout(resolve, 10_000, 'late'));
      assert.notEqual(
        await Promise.race([mounted.end, late]),
        'late',
        `NINEFOLD_SEED=${seed + i}: the mount did not end`,
      );
      if (ended !== undefined && ended !== 'unmounted') count.broken++;
    } finally {
      await mounted.close();
      await relay.end();
    }
    count.mounts++;
    count.changed += relay.changed;
  }
  t.diagnostic(`NINEFOLD_SEED=${seed}: ${JSON.stringify(count)}`);
  assert.ok(count.changed > 0);
});
