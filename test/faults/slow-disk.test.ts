// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noSlowDisk, SLOW_BYTES, slowDisk } from './slow-disk.ts';

const why = noSlowDisk();
/** A read of 128 KiB takes an eighth of a second at the least on this disk, and eight wait: who stood behind one would be far above. The figure itself is in docs/RELIABILITY.md. */
const BOUND_MS = 60;

test(
  'eight reads wait for a slow disk: looks at other files do not',
  why === undefined ? {} : { skip: why },
  async (t) => {
    const r = await slowDisk(6);
    t.diagnostic(JSON.stringify(r));
    assert.ok(r.readRate < SLOW_BYTES * 2, `the disk was not slow: ${r.readRate} bytes a second`);
    assert.ok(r.looks > 100);
    assert.ok(r.p99 < BOUND_MS, `99th percentile ${r.p99} ms`);
  },
);
