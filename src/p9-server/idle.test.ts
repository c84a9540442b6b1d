// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scratch } from '../../test/helpers/places.ts';
import { serveFolder } from '../../test/helpers/share.ts';
import { QUIET_MS, WarmUp } from '../base/warm-up.ts';
import { openSys } from '../linux/index.ts';
import { T } from '../p9/messages.ts';

/** What the server looks at before it rehearses: by hand. */
function byHand(): { warmUp: WarmUp; look: () => number } {
  const warmUp = new WarmUp({ play: () => false, totalMs: 1, withinMs: 1, end: () => {} });
  warmUp.start = () => {};
  return { warmUp, look: () => warmUp.untilIdle() };
}

test('a server rehearses when it was asked something once, and nothing between two looks', async (t) => {
  const { warmUp, look } = byHand();
  const { client, ended } = serveFolder(scratch(t, 'idle'), { warmUp });
  try {
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

test('a server does not rehearse while its client waits for a disk', async (t) => {
  const { warmUp, look } = byHand();
  const real = openSys();
  // A disk that takes as long as we like.
  let sys = real;
  const asked = new Promise<() => void>((resolve) => {
    sys = { ...real, slow: { ...real.slow, fsync: (_, done) => resolve(() => done(0)) } };
  });
  const { client, ended } = serveFolder(scratch(t, 'idle'), { warmUp, sys });
  try {
    await client.attach();
    await client.walk(0, 1);
    assert.equal(
      (await client.call(T.lcreate, { fid: 1, name: 'f', flags: 1, mode: 0o644, gid: 0 })).errno,
      0,
    );
    const waits = client.call(T.fsync, { fid: 1, datasync: 0 });
    const finish = await asked;
    assert.deepEqual([look(), look(), look()], [QUIET_MS, QUIET_MS, QUIET_MS]);
    finish();
    assert.equal((await waits).errno, 0);
    assert.equal(look(), 0);
  } finally {
    client.close();
    await ended;
  }
});
