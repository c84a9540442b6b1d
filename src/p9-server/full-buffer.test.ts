// SPDX-License-Identifier: MIT
// A peer that takes nothing while replies that cannot wait for it pile up: the buffer grows under them, wherever its end lies in one.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratch } from '../../test/helpers/places.ts';
import { serveFolder } from '../../test/helpers/share.ts';
import { EAGAIN, EBADF } from '../base/errno.ts';
import { O_RDONLY, type Sys } from '../base/sys.ts';
import { openSys } from '../linux/index.ts';
import { RLERROR, T } from '../p9/messages.ts';

const MSIZE = 8192;
const ROOT = 2;
/** More than fit into the buffer that a connection begins with: 8 KiB and 128 KiB, at 7 bytes each. */
const FLUSHES = 20_500;
/** A flushed tag's reply is 7 bytes, an error's 11: with one to seven errors before them, every place in a reply comes to lie at the end. */
const ERRORS = [1, 2, 3, 4, 5, 6, 7];
const FIRST_FLUSH = 100;

/** A `Sys` whose sends find a full socket while `full`, and whose syncs end when the test says so. */
function stuck(): { sys: Sys; state: { full: boolean; refused: number }; begun: ((r: number) => void)[] } {
  const real = openSys();
  const state = { full: false, refused: 0 };
  const begun: ((r: number) => void)[] = [];
  const sys: Sys = {
    ...real,
    send: (fd, mem, off, len) => {
      if (!state.full) return real.send(fd, mem, off, len);
      state.refused++;
      return -EAGAIN;
    },
    slow: { ...real.slow, fsync: (_fd, done) => void begun.push(done) },
  };
  return { sys, state, begun };
}

for (const errors of ERRORS)
  test(`replies that pile up behind ${errors} errors all arrive, in order`, async (t) => {
    const dir = scratch(t, 'full-buffer');
    writeFileSync(join(dir, 'f'), '');
    const { sys, state, begun } = stuck();
    const { client: c, ended } = serveFolder(dir, { sys });
    await c.version(MSIZE);
    await c.attach(process.getuid?.(), ROOT);
    await c.walk(ROOT, 1, 'f');
    assert.equal((await c.call(T.lopen, { fid: 1, flags: O_RDONLY })).errno, 0);

    const sync = c.frame(T.fsync, { fid: 1, datasync: 0 }, 50);
    const flushes = Array.from({ length: FLUSHES }, (_, i) =>
      c.frame(T.flush, { oldtag: 50 }, FIRST_FLUSH + i),
    );
    const bad = Array.from({ length: errors }, (_, i) => c.frame(T.fsync, { fid: 9, datasync: 0 }, 60 + i));
    state.full = true;
    c.send(Buffer.concat([sync, ...flushes, ...bad]));
    while (state.refused === 0) await sleep(5);
    assert.equal(begun.length, 1);
    begun[0]?.(0);
    state.full = false;

    for (let i = 0; i < errors; i++) {
      const r = await c.next();
      assert.deepEqual([r?.type, r?.tag, r?.errno], [RLERROR, 60 + i, EBADF]);
    }
    assert.equal((await c.next())?.tag, 50);
    for (let i = 0; i < FLUSHES; i++) {
      const r = await c.next();
      assert.deepEqual([r?.type, r?.tag], [T.flush + 1, FIRST_FLUSH + i]);
    }
    c.close();
    assert.equal((await ended).clean, true);
  });
