// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seedOf } from '../helpers/random.ts';
import { cutPower } from './cuts.ts';
import { noLoop } from './loop-fs.ts';

/** The long tier cuts a thousand times. */
const CUTS = Number(process.env.NINEFOLD_CUTS ?? 6);
const why = noLoop();

test(
  `${CUTS} power cuts: every acknowledged step is there afterwards`,
  why === undefined ? {} : { skip: why },
  async (t) => {
    const seed = seedOf();
    const r = await cutPower(CUTS, seed);
    t.diagnostic(`NINEFOLD_SEED=${seed}: ${JSON.stringify({ ...r, lost: r.lost.length })}`);
    assert.deepEqual(r.lost, []);
    assert.equal(r.cuts, CUTS);
    assert.ok(r.steps > CUTS * 2, 'steps were acknowledged');
    // EIO or EROFS: the application is told, and nothing pretends to be written.
    assert.deepEqual(
      Object.keys(r.codes).filter((c) => c !== 'EIO' && c !== 'EROFS'),
      [],
    );
  },
);
