// SPDX-License-Identifier: MIT
// A machine delays itself alone, whatever descriptors it passes and whatever it does to them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAllShared, readLineShared, sendShared } from '../../src/broker/shared.ts';
import { declare } from '../../src/linux/libc.ts';
import { sendFd } from '../../src/linux/passing.ts';
import { fingerprint } from '../../src/policy/fingerprint.ts';
import { formatAsk } from '../../src/policy/wire.ts';
import { connectSocket } from '../../src/transport/connect.ts';
import { cannotMount, type Running } from '../helpers/cli.ts';
import { sha256 } from './ground.ts';
import { answerOf, answersOthers, asks, fill, opens, pair, pass, put, sys } from './machine.ts';
import { answers, eventually, NINEFOLD, NODE, type World, world } from './world.ts';

const reason = cannotMount();
const needsMount = reason === undefined ? {} : { skip: reason };

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

const setsockopt = declare('setsockopt', ['int', 'int', 'int', 'uintptr_t', 'uint32_t']);

/** A TCP socket whose last close waits for a minute: it has more to send than the other end takes. */
async function lingering(t: TestContext): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).pause()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const at = { kind: 'tcp', host: '127.0.0.1', port } as const;
  const [socket, fd] = await Promise.all([once(server, 'connection'), connectSocket(sys, at, 5000)]);
  t.after(() => {
    (socket[0] as Socket).destroy();
    server.close();
  });
  fill(fd);
  const linger = sys.alloc(8);
  linger.dv.setInt32(0, 1, true);
  linger.dv.setInt32(4, 60, true);
  // SOL_SOCKET, SO_LINGER
  assert.equal(setsockopt(fd, 1, 13, linger.address, 8), 0);
  return fd;
}

test('a descriptor whose close waits holds nobody else up: passed as the channel, behind it, before any call, and by one call too many', async (t) => {
  const w = world(t);
  const running = await broker(w);
  const path = w.path('evil.sock');
  const one = await lingering(t);
  await pass(path, one, 'dom0', AUTHORIZE);
  sys.close(one);
  const [, theirs] = pair();
  for (const first of [theirs, -1]) {
    const fd = await connectSocket(sys, { kind: 'unix', path }, 5000);
    if (first >= 0) assert.equal(sendFd(fd, first), 0);
    else put(fd, 'x');
    const more = await lingering(t);
    assert.equal(sendFd(fd, more), 0);
    sys.close(more);
    put(fd, 'junk\n');
  }
  await sleep(500);
  await answersOthers(running, w.path('box.sock'));
  for (let i = 0; i < 70; i++) {
    const fd = await connectSocket(sys, { kind: 'unix', path }, 5000);
    if (i % 10 === 0) {
      const last = await lingering(t);
      sendFd(fd, theirs);
      sendFd(fd, last);
      sys.close(last);
    }
    sys.close(fd);
  }
  await sleep(500);
  await answersOthers(running, w.path('box.sock'));
});

test(
  'a file of a file system that does not answer any more holds up its own machine, until it does',
  needsMount,
  async (t) => {
    const w = world(t);
    const running = await broker(w);
    const serve = `exec:${NODE} ${NINEFOLD} serve --stdio ${w.share}`;
    assert.equal((await w.ninefold('mount', serve, w.mnt)).code, 0);
    const pid = Number(
      readdirSync(w.path('run'))
        .find((name) => name.endsWith('.json'))
        ?.slice(0, -5),
    );
    const fd = openSync(join(w.mnt, 'hello'), 'r+');
    process.kill(pid, 'SIGSTOP');
    try {
      await pass(w.path('evil.sock'), fd, 'dom0', AUTHORIZE);
      await sleep(1000);
      await answersOthers(running, w.path('box.sock'));
    } finally {
      process.kill(pid, 'SIGCONT');
      closeSync(fd);
    }
    await answersOthers(running, w.path('evil.sock'));
  },
);
