// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scratch } from '../../test/helpers/places.ts';
import { serveFolder } from '../../test/helpers/share.ts';
import { QUIET_MS, WarmUp } from '../base/warm-up.ts';

test('a server rehearses when it was asked something once, and nothing between two looks', async (t) => {
  const warmUp = new WarmUp({ play: () => false, totalMs: 1, withinMs: 1, end: () => {} });
  // Looked at by hand.
  warmUp.start = () => {};
  const { client, ended } = serveFolder(scratch(t, 'idle'), { warmUp });
  try {
    const look = (): number => warmUp.untilIdle();
    assert.deepEqual([look(), look()], [QUIET_MS, QUIET_MS], 'nobody is there yet');
    await client.attach();
    assert.deepEqual([look(), look(), look()], [QUIET_MS, 0, 0]);
    await client.walk(0, 1);
    assert.deepEqual([look(), look()], [QUIET_MS, 0]);
  } finally {
    client.close();
    await ended;
  }
});
