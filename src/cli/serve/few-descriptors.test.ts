// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratch } from '../../../test/helpers/places.ts';
import { startQfsd } from '../../../test/helpers/server.ts';
import { T } from '../../p9/messages.ts';

const FILES = 200;

/** Why the sandbox is not to be had here, told by a server under no such limit: under one, a server that does not start is what this looks for. */
async function cannotConfine(t: TestContext, sandbox: string): Promise<string | undefined> {
  const s = startQfsd(t, scratch(t, 'unlimited'), { sandbox });
  if ((await s.client.version()) !== undefined) return void (await s.close());
  assert.match(s.stderr(), /cannot confine/);
  return s.stderr().trim();
}

for (const sandbox of ['none', 'landlock', 'bwrap'])
  for (const limit of [64, 80, 100, 127])
    test(`a limit of ${limit} open files: more objects than that, --sandbox ${sandbox}`, async (t) => {
      const reason = await cannotConfine(t, sandbox);
      if (reason !== undefined) return t.skip(reason);
      const dir = scratch(t, 'few-descriptors');
      for (let i = 0; i < FILES; i++) writeFileSync(join(dir, `f${i}`), String(i));
      const through = ['prlimit', `--nofile=${limit}:${limit}`, '--'];
      const s = startQfsd(t, dir, { sandbox, through });
      const c = s.client;
      await c.attach();
      for (let i = 0; i < FILES; i++) assert.equal((await c.walk(0, 10 + i, `f${i}`)).errno, 0, `walk ${i}`);
      for (let i = 0; i < FILES; i++) {
        assert.equal((await c.call(T.lopen, { fid: 10 + i, flags: 0 })).errno, 0, `open ${i}`);
        const r = await c.call(T.read, { fid: 10 + i, offset: 0, count: 10 });
        assert.equal(Buffer.from(r.data).toString(), String(i));
        await c.call(T.clunk, { fid: 10 + i });
      }
      assert.equal(await s.close(), 0, s.stderr());
    });

test('the table of descriptors has grown before a client needs it: who opens one too many would wait for all processors', async (t) => {
  const s = startQfsd(t, scratch(t, 'grown'), { sandbox: 'none' });
  await s.client.attach();
  const size = (): number =>
    Number(/^FDSize:\s+(\d+)$/m.exec(readFileSync(`/proc/${s.pid}/status`, 'utf8'))?.[1]);
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  const wanted = Math.min(16_384, limit);
  for (const end = performance.now() + 10_000; size() < wanted && performance.now() < end; ) await sleep(5);
  assert.ok(size() >= wanted, `room for ${size()} of ${wanted}`);
  assert.equal(await s.close(), 0, s.stderr());
});
