// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { cstr, sys } from '../../test/helpers/linux.ts';
import { POLLIN, POLLNVAL, POLLOUT, type Sys } from '../base/sys.ts';
import { Turns } from '../base/turns.ts';
import { pipe } from './net.ts';

function pipeOf(): [number, number] {
  const p: [number, number] = [-1, -1];
  assert.equal(pipe(p), 0);
  return p;
}

test('poll tells which descriptors are ready', () => {
  const [r, w] = pipeOf();
  const m = sys.alloc(24);
  const ask = (events: [number, number][], timeout: number): number => {
    events.forEach(([fd, e], i) => {
      m.dv.setInt32(i * 8, fd, true);
      m.dv.setUint32(i * 8 + 4, e, true);
    });
    return sys.poll(m, events.length, timeout);
  };
  assert.equal(ask([[r, POLLIN]], 0), 0);
  assert.equal(ask([[w, POLLOUT]], -1), 1);
  sys.write(w, cstr('x'), 0, 1);
  assert.equal(
    ask(
      [
        [r, POLLIN],
        [-1, POLLIN],
        [1_000_000, POLLIN],
      ],
      -1,
    ),
    2,
  );
  assert.deepEqual(
    [m.dv.getUint16(6, true), m.dv.getUint16(14, true), m.dv.getUint16(22, true)],
    [POLLIN, 0, POLLNVAL],
  );
  assert.throws(() => sys.poll(m, 4, 0), RangeError);
  sys.close(r);
  sys.close(w);
});

test('the loop’s timeout is that of the next timer, inside setImmediate too', async () => {
  sys.eventLoopFd();
  await new Promise((ok) => setTimeout(ok, 20));
  await new Promise<void>((ok, fail) =>
    setImmediate(() => {
      try {
        const timer = setTimeout(() => {}, 500);
        const left = sys.eventLoopTimeout();
        assert.ok(left > 0 && left <= 500, `${left}`);
        const until = performance.now() + 30;
        while (performance.now() < until);
        assert.ok(sys.eventLoopTimeout() <= left - 25);
        clearTimeout(timer);
        ok();
      } catch (e) {
        fail(e);
      }
    }),
  );
});

test('a loop that has nothing to do sleeps, and wakes for a timer and for a slow call', async () => {
  let polls = 0;
  const counting: Sys = {
    ...sys,
    poll(fds, count, ms) {
      polls++;
      return sys.poll(fds, count, ms);
    },
  };
  const [r, w] = pipeOf();
  const turns = new Turns(counting);
  turns.add({ fd: r, events: POLLIN, turn: () => turns.stop() });
  let pollsAtTimer = 0;
  let slow = 0;
  const timer = setTimeout(() => {
    pollsAtTimer = polls;
    sys.slow.fsync(-1, (result) => {
      slow = result;
      sys.write(w, cstr('x'), 0, 1);
    });
  }, 200);
  await turns.run();
  clearTimeout(timer);
  assert.equal(slow, -9);
  assert.ok(pollsAtTimer > 0 && pollsAtTimer < 20, `${pollsAtTimer} polls in 200 ms`);
  sys.close(r);
  sys.close(w);
});

test('after a short wait the next one is looked through, after a long one it is slept through', async () => {
  const SHORT_MS = 5;
  /** What each wait is: looks that find nothing before one that finds something, or a sleep of so many milliseconds. */
  const waits: readonly { looks?: number; sleepMs?: number }[] = [
    { sleepMs: 0 },
    { looks: 3 },
    { looks: 0 },
    { sleepMs: 2 * SHORT_MS },
    { sleepMs: 0 },
    { looks: 2 },
  ];
  for (const shortMs of [SHORT_MS, 0]) {
    const seen = [{ looks: 0, slept: false }];
    const scripted: Sys = {
      ...sys,
      poll(fds, _count, ms) {
        const now = seen.at(-1) as (typeof seen)[number];
        const { looks, sleepMs } = waits[seen.length - 1] as (typeof waits)[number];
        if (ms === 0) {
          if (now.looks++ !== looks) return 0;
        } else {
          now.slept = true;
          const since = performance.now();
          while (performance.now() - since < (sleepMs ?? 0));
        }
        fds.dv.setUint16(6, POLLIN, true);
        return 1;
      },
    };
    const turns = new Turns(scripted, 1, shortMs);
    const turn = (): void => {
      if (seen.length === waits.length) turns.stop();
      else seen.push({ looks: 0, slept: false });
    };
    turns.add({ fd: 1, events: POLLIN, turn });
    await turns.run();
    const slept = seen.map((w) => w.slept);
    if (shortMs === 0) assert.ok(slept.filter((s) => s).length > 4, 'sleeps at once');
    else {
      assert.deepEqual(slept, [true, false, false, true, true, false]);
      // Looks of Node's own trips, if there are any, are a few; 5 ms of looks are thousands.
      const [first = 0, , , long = 0, next = 0] = seen.map((w) => w.looks);
      assert.ok(first < 50 && long > 50 && next < 50, `${seen.map((w) => w.looks)} looks`);
    }
  }
});

test('a loop turned by hand waits as long as it is told, however far away the next timer is, and never for one that is nearer', async () => {
  const waited: number[] = [];
  const noting: Sys = {
    ...sys,
    poll(_fds, _count, ms) {
      waited.push(ms);
      return 0;
    },
  };
  const turns = new Turns(noting);
  // A turn in vain must not shorten the next one.
  for (const far of [60_000, 10]) {
    const timer = setTimeout(() => {}, far);
    for (const ms of [20, 0, 20]) turns.turnOnce(ms);
    clearTimeout(timer);
  }
  const [a, b, c, d = 99, e, f = 99] = waited;
  assert.deepEqual([a, b, c, e], [20, 0, 20, 0]);
  assert.ok(Math.max(d, f) <= 11, `${waited}`);
});

test('a promise that is settled in a turn without a word to the loop is heard all the same', async () => {
  const [r, w] = pipeOf();
  const turns = new Turns(sys);
  const byte = sys.alloc(1);
  const heard = new Promise<void>((settle) => {
    turns.add({
      fd: r,
      events: POLLIN,
      turn: () => {
        sys.read(r, byte, 0, 1);
        settle();
      },
    });
  });
  void heard.then(() => turns.stop());
  sys.write(w, cstr('x'), 0, 1);
  const since = performance.now();
  // Without it the loop would sleep until this timer is due.
  const alarm = setTimeout(() => turns.stop(), 60_000);
  await turns.run();
  clearTimeout(alarm);
  assert.ok(performance.now() - since < 50_000);
  sys.close(r);
  sys.close(w);
});

test('a worker has a loop of its own, and can be ended while it sleeps in poll', async () => {
  const url = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  const code = `
    import { parentPort } from 'node:worker_threads';
    const { openSys } = await import(${url('./index.js')});
    const { pipe } = await import(${url('./net.js')});
    const { Turns } = await import(${url('../base/turns.js')});
    const sys = openSys();
    const ends = [-1, -1];
    pipe(ends);
    const r = ends[0];
    const turns = new Turns(sys);
    turns.add({ fd: r, events: 1, turn() {} });
    parentPort.postMessage(sys.eventLoopFd());
    await turns.run();`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const fd = await new Promise((ok, fail) => worker.once('message', ok).once('error', fail));
  assert.notEqual(fd, sys.eventLoopFd());
  await worker.terminate();
});
