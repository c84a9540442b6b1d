// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { T } from '../../src/p9/messages.ts';
import { scratch } from '../helpers/places.ts';
import type { Raw9p } from '../helpers/raw9p.ts';
import { startQfsd } from '../helpers/server.ts';
import { allowed } from './arena.ts';

const LOOKS = 400;
const ROUNDS = 4;
/** Added to twice the time without a flood: what a busy machine does by itself. */
const SLACK_MS = 15;

/** 99th percentile of `LOOKS` times of a Tgetattr, ms. */
async function victim(c: Raw9p): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < LOOKS; i++) {
    const begin = performance.now();
    await allowed(c, T.getattr, { fid: 0, mask: 0x7ff });
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b)[Math.floor(LOOKS * 0.99)] ?? 0;
}

test('another connection that floods its server does not starve this one', async (t) => {
  const dir = scratch(t, 'fair');
  fs.writeFileSync(`${dir}/f`, Buffer.alloc(100_000));
  const [flooder, other] = [startQfsd(t, dir, { sandbox: 'none' }), startQfsd(t, dir, { sandbox: 'none' })];
  for (const s of [flooder, other]) await s.client.attach();
  await flooder.client.walk(0, 1, 'f');
  await allowed(flooder.client, T.lopen, { fid: 1, flags: 0 });
  let on = false;
  let flooded = 0;
  const burst = Buffer.concat(
    Array.from({ length: 64 }, (_, i) =>
      flooder.client.frame(T.read, { fid: 1, offset: 0, count: 4096 }, 100 + i),
    ),
  );
  const flood = async (): Promise<void> => {
    while (on) {
      flooder.client.send(burst);
      for (let i = 0; i < 64; i++) await flooder.client.next();
      flooded += 64;
    }
  };
  const alone: number[] = [];
  const together: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await victim(other.client));
    on = true;
    const running = flood();
    together.push(await victim(other.client));
    on = false;
    await running;
  }
  const [a, b] = [Math.min(...alone), Math.min(...together)];
  t.diagnostic(
    `99th percentile ${a.toFixed(2)} ms alone, ${b.toFixed(2)} ms beside ${flooded} requests of the other`,
  );
  assert.ok(flooded > 1000);
  assert.ok(b < 2 * a + SLACK_MS, `${a} ms became ${b} ms`);
  for (const s of [flooder, other]) assert.equal(await s.close(), 0);
});

test('requests that wait for a disk are limited: no more are taken until one is done', async (t) => {
  const dir = scratch(t, 'inflight');
  fs.writeFileSync(`${dir}/f`, 'x');
  const s = startQfsd(t, dir, { sandbox: 'none', args: ['--max-inflight', '4'] });
  const c = s.client;
  await c.attach();
  await c.walk(0, 1, 'f');
  await allowed(c, T.lopen, { fid: 1, flags: 2 });
  // Behind eight requests of which each waits for a disk, one that waits for nothing: it is not even looked at before four of them are done.
  for (let round = 0; round < 30; round++) {
    const syncs = Array.from({ length: 8 }, (_, i) => c.frame(T.fsync, { fid: 1, datasync: 0 }, 200 + i));
    c.send(Buffer.concat([...syncs, c.frame(T.getattr, { fid: 0, mask: 0x7ff }, 300)]));
    const order: number[] = [];
    for (let i = 0; i < 9; i++) order.push((await c.next())?.tag ?? -1);
    assert.ok(order.indexOf(300) >= 4, `order ${order}`);
  }
  assert.equal(await s.close(), 0);
});
