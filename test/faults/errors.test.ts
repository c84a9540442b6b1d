// SPDX-License-Identifier: MIT
// Errors from below, injected through `Sys`: each system call of each request of a session fails once, with each error. The reply is that error or a success that the
// server found another way to; nothing breaks, no descriptor is left open, and the same session then runs as if nothing had been.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EIO, EMFILE, ENOMEM, ENOSPC } from '../../src/base/errno.ts';
import { scratch } from '../helpers/places.ts';
import { FaultySession } from './faulty-session.ts';

const ERRORS = [EIO, ENOSPC, EMFILE, ENOMEM];

test('each system call of a session fails once with each error', async (t) => {
  const dir = scratch(t, 'errors');
  const s = new FaultySession(dir);
  try {
    const clean = await s.play(-1, 0);
    assert.deepEqual(
      clean.refused.filter((r) => !r.expected),
      [],
    );
    let injected = 0;
    const told = new Map<string, number>();
    for (const errno of ERRORS)
      for (let at = 0; at < clean.calls; at++) {
        const r = await s.play(at, errno);
        injected += r.injected ? 1 : 0;
        for (const { errno: e } of r.refused) told.set(String(e), (told.get(String(e)) ?? 0) + 1);
        assert.equal(
          r.descriptors,
          clean.descriptors,
          `${r.name} (call ${at}) with errno ${errno} left descriptors open`,
        );
        assert.equal(
          r.unanswered,
          0,
          `${r.name} (call ${at}) with errno ${errno}: a request without a reply`,
        );
        assert.ok(
          r.ended === undefined,
          `${r.name} (call ${at}) with errno ${errno} ended the connection: ${r.ended}`,
        );
      }
    assert.ok(injected > ERRORS.length * 50, `only ${injected} faults`);
    const after = await s.play(-1, 0);
    assert.deepEqual(
      after.refused.filter((r) => !r.expected),
      [],
    );
    t.diagnostic(`${clean.calls} system calls in a session, ${injected} faults`);
  } finally {
    s.end();
  }
});
