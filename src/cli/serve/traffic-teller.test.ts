// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EAGAIN } from '../../base/errno.ts';
import type { Sys } from '../../base/sys.ts';
import { pipe } from '../../linux/descriptors.ts';
import { openSys } from '../../linux/index.ts';
import { netSys } from '../../linux/net.ts';
import { T } from '../../p9/messages.ts';
import { Stats } from '../../p9-server/index.ts';
import { TrafficTeller } from './traffic-teller.ts';

const sys = openSys();

/** The two ends of what the counters go through. */
function channel(kind: 'socket' | 'pipe'): { to: number; from: number } {
  if (kind === 'socket') {
    const pair = netSys.socketPair();
    assert.ok(typeof pair !== 'number');
    return { to: pair[0], from: pair[1] };
  }
  const ends: [number, number] = [-1, -1];
  assert.equal(pipe(ends), 0);
  return { to: ends[1], from: ends[0] };
}

function readAll(fd: number): string {
  const mem = sys.alloc(1 << 20);
  const n = sys.read(fd, mem, 0, mem.size);
  return Buffer.from(mem.u8.subarray(0, Math.max(0, n))).toString();
}

for (const kind of ['socket', 'pipe'] as const) {
  test(`through a ${kind}: the first at once, then one a second, the last at the end, nothing twice`, async () => {
    const { to, from } = channel(kind);
    const stats = new Stats();
    const teller = new TrafficTeller(sys, to, stats);
    for (let i = 1; i <= 50; i++) {
      stats.requests++;
      stats.countReply(T.read + 1, 10);
      stats.replied?.();
    }
    assert.equal(readAll(from), '{"traffic":{"read":10,"written":0,"operations":1}}\n');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.equal(readAll(from), '{"traffic":{"read":500,"written":0,"operations":50}}\n');
    stats.countReply(T.write + 1, 7);
    teller.last();
    assert.equal(readAll(from), '{"traffic":{"read":500,"written":7,"operations":50}}\n');
    assert.equal(stats.replied, undefined, 'nothing is told after the last');
    sys.close(to);
    sys.close(from);
  });

  test(`through a ${kind} that nobody reads: it never waits, and tells on when there is room again`, async () => {
    const { to, from } = channel(kind);
    const filling = sys.alloc(4096);
    const flood = (): number =>
      kind === 'socket' ? sys.send(to, filling, 0, filling.size) : writeIfRoom(sys, to, filling);
    while (flood() > 0);
    const stats = new Stats();
    const teller = new TrafficTeller(sys, to, stats);
    const began = performance.now();
    stats.requests = 1;
    stats.replied?.();
    assert.ok(performance.now() - began < 500);
    for (let got = readAll(from); got.length === 1 << 20; got = readAll(from));
    stats.requests = 2;
    teller.last();
    assert.match(readAll(from), /\{"traffic":\{"read":0,"written":0,"operations":2\}\}\n$/);
    sys.close(to);
    sys.close(from);
  });
}

test('when the other side is gone it is silent from then on', () => {
  const { to, from } = channel('socket');
  sys.close(from);
  const stats = new Stats();
  const teller = new TrafficTeller(sys, to, stats);
  stats.requests = 1;
  stats.replied?.();
  assert.equal(stats.replied, undefined);
  teller.last();
  sys.close(to);
});

function writeIfRoom(sys: Sys, fd: number, mem: ReturnType<Sys['alloc']>): number {
  const pollfd = sys.alloc(8);
  pollfd.dv.setInt32(0, fd, true);
  pollfd.dv.setUint32(4, 4, true);
  return sys.poll(pollfd, 1, 0) > 0 ? sys.write(fd, mem, 0, mem.size) : -EAGAIN;
}
