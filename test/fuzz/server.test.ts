// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import { NOFID, VERSION_EXT } from '../../src/p9/constants.ts';
import { T } from '../../src/p9/messages.ts';
import { Arena, CANARY } from '../attacks/arena.ts';
import type { Raw9p } from '../helpers/raw9p.ts';
import { startQfsd } from '../helpers/server.ts';
import { fuzz } from './budget.ts';
import { frame } from './frames.ts';

/** Names that an attack would use, and ones that exist. */
const NAMES = [
  'file',
  'dir',
  'to-dir',
  'to-file',
  'to-here',
  'fifo',
  'device',
  'new',
  '..',
  '.',
  '',
  'a/b',
  '../secret',
  'x'.repeat(300),
];

const fid = fc.nat(7);
const name = fc.constantFrom(...NAMES);
const small = fc.constantFrom(0, 1, 2, 7, 0o100, 0o200, 0o1000, 0o644, 0o755, 0o10000, 0o200000, 0xffffffff);
const large = fc.constantFrom<number | bigint>(
  0,
  1,
  12,
  4096,
  2 ** 31,
  2 ** 53,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
);

/** A request that decodes and means something: a few fids and names, used in every way. */
const sensible = fc
  .record({
    fid,
    newfid: fid,
    dfid: fid,
    newdirfid: fid,
    name,
    name2: name,
    flags: small,
    mode: small,
    gid: small,
    offset: large,
    count: small,
  })
  .chain((fields) =>
    fc.tuple(
      // Tchanges is answered when something changes, which may be never.
      fc.constantFrom(...Object.values(T).filter((type) => type !== T.version && type !== T.changes)),
      fc.constant(fields),
      fc.array(name, { maxLength: 4 }),
      fc.record({ mask: large, size: large, lockType: fc.nat(4), start: large, length: large }),
      fc.uint8Array({ maxLength: 50 }),
    ),
  )
  .map(([type, fields, names, more, data]) => ({
    type,
    fields: { ...fields, ...more, names, data, oldtag: 500, afid: NOFID },
  }));

async function begin(c: Raw9p): Promise<void> {
  await c.version(65_536, VERSION_EXT);
  const r = await c.call(T.attach, {
    fid: 0,
    afid: NOFID,
    name: '',
    name2: '',
    nuname: process.getuid?.() ?? 0,
  });
  assert.equal(r.errno, 0);
}

test('any sequence of requests gets one reply each; nothing outside is told or touched', async (t) => {
  const arena = new Arena(t, { sandbox: 'none', args: [] });
  const c = arena.client;
  let requests = 0;
  const refusals = new Map<number, number>();
  await fuzz(
    t,
    fc.asyncProperty(fc.array(sensible, { minLength: 1, maxLength: 30 }), async (some) => {
      arena.fill();
      await begin(c);
      const frames = some.map(({ type, fields }, i) => c.frame(type, fields, i + 1));
      c.send(Buffer.concat(frames));
      const tags = new Set<number>();
      while (tags.size < some.length) {
        const r = await c.next();
        assert.ok(r !== undefined, `the server closed: ${arena.served.stderr()}`);
        assert.ok(r.tag >= 1 && r.tag <= some.length, `tag ${r.tag}`);
        assert.ok(!tags.has(r.tag), `tag ${r.tag} twice`);
        tags.add(r.tag);
        const asked = some[r.tag - 1]?.type ?? 0;
        assert.ok(r.errno !== 0 || r.type === asked + 1, `reply ${r.type} to request ${asked}`);
        if (r.errno !== 0) refusals.set(r.errno, (refusals.get(r.errno) ?? 0) + 1);
      }
      requests += some.length;
    }),
  );
  t.diagnostic(`${requests} requests, refused with ${refusals.size} different errno`);
  assert.ok(!refusals.has(5), 'an EIO: something broke inside');
  await c.version();
  await arena.check();
  await arena.end();
});

test('mutated frames are answered or end the connection; the server never breaks', async (t) => {
  const arena = new Arena(t, { sandbox: 'none', args: [] });
  const c = arena.client;
  let frames = 0;
  await fuzz(
    t,
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 40 }), async (some) => {
      await begin(c);
      // Tversion resets the connection and what waits on it, and may agree on another version: that is another test.
      const sent = some
        .filter((f) => f[4] !== T.version && f[4] !== T.flush && f[4] !== T.changes)
        .map((f) => f.slice());
      for (const [i, f] of sent.entries()) new DataView(f.buffer).setUint16(5, i + 1, true);
      c.send(Buffer.concat(sent));
      const tags = new Set<number>();
      while (tags.size < sent.length) {
        const r = await c.next();
        assert.ok(r !== undefined, `the server closed: ${arena.served.stderr()}`);
        assert.ok(!tags.has(r.tag), `tag ${r.tag} twice`);
        tags.add(r.tag);
      }
      frames += sent.length;
    }),
  );
  t.diagnostic(`${frames} frames`);
  arena.fill();
  await arena.check();
  await arena.end();
});

test('any bytes at all: the server ends by itself with 8, or with 0 when nothing was wrong, in one line', async (t) => {
  await fuzz(
    t,
    // A process for each try: a batch takes seconds.
    fc.asyncProperty(
      fc.array(fc.oneof(frame, fc.uint8Array({ maxLength: 200 })), { maxLength: 10 }),
      async (chunks) => {
        const s = startQfsd(t, tmpdir(), { sandbox: 'none', watch: [CANARY] });
        s.client.socket.on('error', () => {});
        for (const chunk of chunks) s.client.send(chunk);
        s.client.socket.end();
        const code = await s.exit;
        assert.ok(code === 0 || code === 8, `ended with ${code}: ${s.stderr()}`);
        const lines = s.stderr().split('\n').filter(Boolean);
        assert.ok(lines.length <= (code === 0 ? 0 : 1), s.stderr());
      },
    ),
  );
});
