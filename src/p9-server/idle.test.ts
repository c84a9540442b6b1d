// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { scratch } from '../../test/helpers/places.ts';
import { Raw9p } from '../../test/helpers/raw9p.ts';
import { O_DIRECTORY, O_PATH } from '../base/sys.ts';
import { QUIET_MS, WarmUp } from '../base/warm-up.ts';
import { openSys } from '../linux/index.ts';
import { socketpair } from '../linux/net.ts';
import { DEFAULT_OPTIONS, serveConnection } from './index.ts';

test('a server rehearses when it was asked something once, and nothing between two looks', async (t) => {
  const sys = openSys();
  const pair: [number, number] = [-1, -1];
  assert.equal(socketpair(pair), 0);
  const rootFd = openSync(scratch(t, 'idle'), O_PATH | O_DIRECTORY);
  const client = new Raw9p(new Socket({ fd: pair[1] }));
  const warmUp = new WarmUp({ play: () => false, totalMs: 1, withinMs: 1, end: () => {} });
  // Looked at by hand.
  warmUp.start = () => {};
  const served = serveConnection({
    sys,
    readFd: pair[0],
    writeFd: pair[0],
    rootFd,
    options: DEFAULT_OPTIONS,
    warmUp,
  });
  try {
    const look = (): number => warmUp.untilIdle();
    assert.deepEqual([look(), look()], [QUIET_MS, QUIET_MS], 'nobody is there yet');
    await client.attach();
    assert.deepEqual([look(), look(), look()], [QUIET_MS, 0, 0]);
    await client.walk(0, 1);
    assert.deepEqual([look(), look()], [QUIET_MS, 0]);
  } finally {
    client.close();
    await served;
    closeSync(pair[0]);
    closeSync(rootFd);
  }
});
