// SPDX-License-Identifier: MIT
// A machine delays itself alone, whatever descriptors it passes and whatever it does to them.
import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAllShared, readLineShared, sendShared } from '../../src/broker/shared.ts';
import { fingerprint } from '../../src/policy/fingerprint.ts';
import { formatAsk } from '../../src/policy/wire.ts';
import type { Running } from '../helpers/cli.ts';
import { sha256 } from './ground.ts';
import { answerOf, answersOthers, asks, fill, opens, pair, pass, put, sys } from './machine.ts';
import { answers, eventually, type World, world } from './world.ts';

const AUTHORIZE = 'ruddo.AuthorizeFolderAccess';

const broker = (w: World): Promise<Running> =>
  w.broker(answers(w.dir, { answer: 'deny' }), {
    machines: {
      box: { address: 'local', socket: w.path('box.sock') },
      evil: { socket: w.path('evil.sock') },
    },
  });

const printOf = (w: World): string =>
  fingerprint(sha256, { source: 'evil', target: 'box', folder: w.share }, 'rw');

const descriptorsOf = ({ child }: Running): number => readdirSync(`/proc/${child.pid}/fd`).length;

/** Both ends of a channel, of which the broker has the second; nothing more can be written into that. */
async function stuffed(w: World): Promise<{ ours: number; theirs: number }> {
  const [ours, theirs] = pair();
  await pass(w.path('evil.sock'), theirs, 'dom0', AUTHORIZE);
  fill(theirs);
  // The broker has it by now, and whatever it does to the flags is done; this comes after.
  await sleep(300);
  sys.setNonBlocking(theirs, false);
  return { ours, theirs };
}

test('a channel that takes nothing, and whose O_NONBLOCK its owner has cleared, holds nobody else up', async (t) => {
  const w = world(t);
  const running = await broker(w);
  const { ours, theirs } = await stuffed(w);
  put(ours, formatAsk({ target: 'nobody', folder: '/x', access: 'rw' }));
  sys.shutdownWrite(ours);
  await sleep(300);
  await answersOthers(running, w.path('box.sock'));
  for (const fd of [ours, theirs]) sys.close(fd);
});

test('what is there to read may be gone when it is read: that neither waits nor keeps from other work', async () => {
  const [ours, theirs] = pair();
  // As it looks when another process reads the same socket between the look and the reading.
  const mayWait = (): never => {
    throw new Error('this would wait for ever');
  };
  const robbed = { ...sys, poll: () => 1, read: mayWait, write: mayWait };
  let turns = 0;
  const timer = setInterval(() => turns++, 10).unref();
  const began = performance.now();
  assert.equal(await readLineShared(robbed, theirs, 100, 300), undefined);
  assert.deepEqual(await readAllShared(robbed, theirs, 100, 300), new Uint8Array());
  fill(theirs);
  assert.equal(await sendShared(robbed, theirs, Buffer.from('x'), 300), false);
  clearInterval(timer);
  const took = performance.now() - began;
  assert.ok(took >= 850 && took < 5000 && turns > 20, `${took} ms, ${turns} turns`);
  for (const fd of [ours, theirs]) sys.close(fd);
});

test('nor does a mount outlive its end or its revocation so', async (t) => {
  const w = world(t);
  const running = await broker(w);
  assert.equal((await w.ninefold('policy', 'allow', 'evil', `box:${w.share}`)).code, 0);
  const session = await opens(w.path('evil.sock'), 'box', printOf(w), w.share);
  const { ours, theirs } = await stuffed(w);
  put(ours, formatAsk({ target: 'nobody', folder: '/x', access: 'rw' }));
  sys.shutdownWrite(ours);
  await sleep(300);
  assert.equal((await w.ninefold('policy', 'revoke', '--all')).code, 0);
  const until = performance.now() + 5000;
  while (!session.gone() && performance.now() < until) await sleep(20);
  if (!session.gone()) running.child.kill('SIGKILL');
  assert.ok(session.gone(), 'the mount ends with its rule');
  for (const fd of [ours, theirs]) sys.close(fd);
  session.control.destroy();
});

test('what is no stream socket is refused and closed', async (t) => {
  const w = world(t);
  const running = await broker(w);
  assert.equal(await asks(w.path('evil.sock'), 'nobody', '/x'), '{"exit":13,"words":"Request refused"}');
  const before = descriptorsOf(running);
  const nothing = openSync('/dev/null', 'r+');
  const listener = sys.listen({ kind: 'unix', path: w.path('listener') }, 1, 0o600);
  for (let i = 0; i < 40; i++) {
    const control = await pass(w.path('evil.sock'), i % 2 === 0 ? nothing : listener, 'dom0', AUTHORIZE);
    assert.match((await answerOf(control)) ?? '', /^\{"exit":125,.*no stream socket/);
    control.destroy();
  }
  closeSync(nothing);
  sys.close(listener);
  await eventually('the end of all calls', () => descriptorsOf(running) < before + 10);
});

test('channels that are reset give their places back', async (t) => {
  const w = world(t);
  const running = await broker(w);
  for (let i = 0; i < 70; i++) {
    const [ours, theirs] = pair();
    const control = await pass(w.path('evil.sock'), theirs, 'dom0', AUTHORIZE);
    await sleep(10);
    // What nobody has read at the one end is a reset at the other.
    put(theirs, 'x');
    for (const fd of [theirs, ours]) sys.close(fd);
    control.destroy();
  }
  await answersOthers(running, w.path('evil.sock'));
});
