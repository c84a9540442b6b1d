// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { T } from '../../src/p9/messages.ts';
import type { Raw9p, Reply } from '../helpers/raw9p.ts';
import { allowed, inArenas } from './arena.ts';

/** The next reply; a server that keeps silent for 10 s has hung. */
async function next(c: Raw9p): Promise<Reply> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no reply for 10 s')), 10_000);
  });
  const r = await Promise.race([c.next(), silence]);
  clearTimeout(timer);
  assert.ok(r !== undefined, 'the server closed');
  return r;
}

test('Tflush of an unknown, a finished and its own tag is answered', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    const c = await arena.begin();
    for (const [tag, oldtag] of [
      [1, 999],
      [2, 2],
      [3, 1],
      [4, 0xffff],
      [5, 0],
    ] as const) {
      c.send(c.frame(T.flush, { oldtag }, tag));
      const r = await next(c);
      assert.deepEqual([r.type, r.tag], [T.flush + 1, tag]);
    }
  });
});

test('after Rflush nothing comes for the old tag, before it at most one reply', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    arena.fill();
    const c = await arena.begin();
    await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['file'] });
    await allowed(c, T.lopen, { fid: 1, flags: 2 });
    // Tfsync waits for a disk: Tflush overtakes it on the wire. Each has a tag of its own, so that a late reply is known.
    const over = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const old = 1000 + i;
      const wanted = i % 3 === 0 ? [10, 30, 31, 40] : [10, 30, 40];
      c.send(
        Buffer.concat([
          c.frame(T.write, { fid: 1, offset: i * 4096, data: 'x'.repeat(4096) }, 10),
          c.frame(T.fsync, { fid: 1, datasync: i & 1 }, old),
          c.frame(T.flush, { oldtag: old }, 30),
          ...(i % 3 === 0 ? [c.frame(T.flush, { oldtag: old }, 31)] : []),
          c.frame(T.getattr, { fid: 1, mask: 0x7ff }, 40),
        ]),
      );
      const seen: number[] = [];
      while (!wanted.every((tag) => seen.includes(tag))) {
        const { tag } = await next(c);
        assert.ok(!over.has(tag), `a reply to ${tag} after its Rflush`);
        assert.ok(!seen.includes(tag), `tag ${tag} was answered twice`);
        seen.push(tag);
        if (tag === 30) over.add(old);
      }
      if (wanted.includes(31)) assert.ok(seen.indexOf(30) < seen.indexOf(31), `order ${seen}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    c.send(c.frame(T.getattr, { fid: 1, mask: 0x7ff }, 41));
    assert.equal((await next(c)).tag, 41, 'a reply after its Rflush');
    // A tag is free again at once.
    c.send(c.frame(T.getattr, { fid: 1, mask: 0x7ff }, 1000));
    assert.equal((await next(c)).tag, 1000);
  });
});

test('a live tag names no second request', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    arena.fill();
    const c = await arena.begin();
    await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['file'] });
    await allowed(c, T.lopen, { fid: 1, flags: 2 });
    for (let i = 0; i < 50; i++) {
      await allowed(c, T.write, { fid: 1, offset: i * 4096, data: 'x'.repeat(4096) });
      c.send(
        Buffer.concat([
          c.frame(T.fsync, { fid: 1, datasync: 0 }, 20),
          c.frame(T.mkdir, { dfid: 0, name: `twice${i}`, mode: 0o755, gid: 0 }, 20),
          c.frame(T.getattr, { fid: 0, mask: 0x7ff }, 21),
        ]),
      );
      const replies = [await next(c), await next(c), await next(c)];
      const twice = replies.filter((r) => r.tag === 20);
      assert.equal(twice.length, 2);
      // Either it was refused, or the first had already been answered when it came.
      const refusedFirst = twice[0]?.errno !== 0;
      const madeLate = twice[0]?.type === T.fsync + 1 && twice[1]?.type === T.mkdir + 1;
      assert.ok(refusedFirst || madeLate, `${twice.map((r) => r.type)}`);
      assert.equal(fs.existsSync(`${arena.share}/twice${i}`), madeLate);
    }
  });
});

test('fids that are clunked, removed or renamed while a slow request uses them', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    const c = await arena.begin();
    for (let i = 0; i < 60; i++) {
      await allowed(c, T.walk, { fid: 0, newfid: 1, names: [] });
      await allowed(c, T.lcreate, { fid: 1, name: `slow${i}`, flags: 0o102, mode: 0o644, gid: 0 });
      await allowed(c, T.write, { fid: 1, offset: 0, data: 'y'.repeat(5000) });
      const last = [
        c.frame(T.clunk, { fid: 1 }, 2),
        c.frame(T.remove, { fid: 1 }, 2),
        c.frame(T.rename, { fid: 1, dfid: 0, name: `renamed${i}` }, 2),
        c.frame(T.unlinkat, { fid: 0, name: `slow${i}`, flags: 0 }, 2),
      ][i % 4] as Uint8Array;
      c.send(
        Buffer.concat([
          c.frame(T.fsync, { fid: 1, datasync: 0 }, 1),
          last,
          // The number is free again: another object takes it while the slow request may still run.
          c.frame(T.walk, { fid: 0, newfid: 1, names: ['dir'] }, 3),
          c.frame(T.read, { fid: 1, offset: 0, count: 10 }, 4),
        ]),
      );
      const replies = [await next(c), await next(c), await next(c), await next(c)];
      assert.deepEqual(replies.map((r) => r.tag).sort(), [1, 2, 3, 4]);
      assert.equal(replies.find((r) => r.tag === 1)?.errno, 0, 'the fsync failed');
      await c.call(T.clunk, { fid: 1 });
    }
  });
});

test('a new Tversion drops all fids and everything that was under way', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    arena.fill();
    for (let i = 0; i < 20; i++) {
      const c = await arena.begin();
      await allowed(c, T.walk, { fid: 0, newfid: 1, names: ['file'] });
      await allowed(c, T.lopen, { fid: 1, flags: 2 });
      await allowed(c, T.lock, { fid: 1, lockType: 1, flags: 0, start: 0, length: 0, procId: i, name: 'x' });
      c.send(
        Buffer.concat([
          c.frame(T.fsync, { fid: 1, datasync: 0 }, 1),
          c.frame(T.version, { msize: 65_536, name: '9P2000.L' }, 0xffff),
          c.frame(T.getattr, { fid: 1, mask: 0x7ff }, 2),
        ]),
      );
      let r = await next(c);
      // The fsync may have been quicker.
      if (r.tag === 1) r = await next(c);
      assert.equal(r.type, T.version + 1);
      r = await next(c);
      assert.equal(r.tag, 2);
      assert.notEqual(r.errno, 0, 'the fid outlived Tversion');
    }
  });
});

test('random requests on few tags and fids: one reply each, Rflush in order, nobody starves', async (t) => {
  await inArenas(t, [], async (t, arena) => {
    arena.fill();
    const c = await arena.begin();
    const seed = Number(process.env.NINEFOLD_SEED ?? Date.now() % 1_000_000);
    t.diagnostic(`seed ${seed} (NINEFOLD_SEED)`);
    let x = seed;
    const random = (n: number): number => {
      x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
      return (x >>> 8) % n;
    };
    const fid = (): number => random(6);
    for (let round = 0; round < 150; round++) {
      const flushOf = new Map<number, number>();
      const frames: Uint8Array[] = [];
      const tags = 20;
      for (let tag = 1; tag <= tags; tag++) {
        const make: (() => Uint8Array)[] = [
          () =>
            c.frame(
              T.walk,
              { fid: 0, newfid: fid(), names: [['file', 'dir', 'fifo'][random(3)] as string] },
              tag,
            ),
          () => c.frame(T.lopen, { fid: fid(), flags: random(4) }, tag),
          () => c.frame(T.clunk, { fid: 1 + random(5) }, tag),
          () => c.frame(T.read, { fid: fid(), offset: random(50), count: random(9000) }, tag),
          () => c.frame(T.write, { fid: fid(), offset: random(5000), data: 'z'.repeat(random(500)) }, tag),
          () => c.frame(T.fsync, { fid: fid(), datasync: random(2) }, tag),
          () => c.frame(T.readdir, { fid: fid(), offset: 0, count: 4096 }, tag),
          () =>
            c.frame(
              T.lock,
              { fid: fid(), lockType: random(3), flags: 0, start: 0, length: 0, procId: 1, name: 'a' },
              tag,
            ),
          () => c.frame(T.xattrwalk, { fid: fid(), newfid: 1 + random(5), name: '' }, tag),
          () => {
            // A flush of something that is no flush: no client flushes one.
            let oldtag = 1 + random(tag);
            while (flushOf.has(oldtag)) oldtag--;
            flushOf.set(tag, oldtag);
            return c.frame(T.flush, { oldtag }, tag);
          },
        ];
        frames.push((make[random(make.length)] as () => Uint8Array)());
      }
      c.send(Buffer.concat(frames));
      // The last request is answered last or the others are still slow: ask until all flushes and this one are in.
      c.send(c.frame(T.getattr, { fid: 0, mask: 0x7ff }, 900));
      const order: number[] = [];
      const need = new Set([...flushOf.keys(), 900]);
      const flushed = new Set(flushOf.values());
      const must = new Set(Array.from({ length: tags }, (_, i) => i + 1).filter((tag) => !flushed.has(tag)));
      while (need.size > 0 || must.size > 0) {
        const r = await next(c);
        assert.ok(!order.includes(r.tag), `tag ${r.tag} was answered twice (round ${round})`);
        order.push(r.tag);
        need.delete(r.tag);
        must.delete(r.tag);
      }
      for (const [tag, oldtag] of flushOf)
        if (oldtag < tag && order.includes(oldtag) && oldtag !== tag)
          assert.ok(
            order.indexOf(oldtag) < order.indexOf(tag),
            `reply ${oldtag} came after its Rflush ${tag}`,
          );
    }
  });
});
