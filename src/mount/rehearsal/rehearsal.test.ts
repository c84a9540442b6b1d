// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setNonblocking } from '../../linux/descriptors.ts';
import { openSys } from '../../linux/index.ts';
import { SOCK_SEQPACKET, socketpair } from '../../linux/net.ts';
import { mountOptions } from '../options.ts';
import { Rehearsal, type RehearsalEnds } from './play.ts';

const sys = openSys();
const ROUNDS = 40;

function pair(t: TestContext, type?: number): [number, number] {
  const fds: [number, number] = [-1, -1];
  assert.equal(socketpair(fds, type), 0);
  t.after(() => {
    for (const fd of fds) sys.close(fd);
  });
  for (const fd of fds) setNonblocking(fd, true);
  return fds;
}

const openEnds = (t: TestContext): RehearsalEnds => ({ device: pair(t, SOCK_SEQPACKET), wire: pair(t) });

test('the rehearsal goes well: what it compiles is what really happens', (t) => {
  const play = new Rehearsal(sys, mountOptions(65536), openEnds(t));
  for (let i = 0; i < ROUNDS; i++) play.round(i);
  const { stats } = play;
  const inVain = ROUNDS + ROUNDS / 2;
  assert.equal(stats.errors, inVain, 'what is not there is not found, and nothing else fails');
  assert.ok(stats.operations >= ROUNDS * 25, `${stats.operations} operations`);
  assert.ok(stats.fromCache >= ROUNDS * 8, `${stats.fromCache} lookups were answered from memory`);
  assert.ok(stats.filled >= ROUNDS / 2, `${stats.filled} folders were filled`);
  assert.ok(stats.readBytes >= ROUNDS * 2 * 200, 'each file came with its open, and was read once more');
  assert.ok(stats.aheadUsed >= ROUNDS / 2, `${stats.aheadUsed} files were opened ahead`);
});

test('a rehearsal that has ended waits for nothing', (t) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
  const before = timers();
  const play = new Rehearsal(sys, mountOptions(65536), openEnds(t));
  for (let i = 0; i < ROUNDS; i++) play.round(i);
  assert.ok(timers() > before, 'files that were opened ahead are to be closed some time');
  play.end();
  assert.equal(timers(), before);
});
