// SPDX-License-Identifier: MIT
// Calls over streams that carry no descriptors, as a vsock does. Unix sockets stand in for it here, because a machine without virtual machines has no vsock to connect by: who is at the other end is said by the test, where
// a broker asks the kernel. The real one is in test/guest/vsock-broker.test.ts.
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLineOf } from '../../src/broker/control.ts';
import { Entrance, type Incoming } from '../../src/broker/incoming.ts';
import { streamCall } from '../../src/broker/stream-call.ts';
import type { BrokerSys } from '../../src/broker/sys.ts';
import { openSys } from '../../src/linux/index.ts';
import { netSys, peerCred } from '../../src/linux/net.ts';
import { recvFd, sendFd } from '../../src/linux/passing.ts';

const sys: BrokerSys = { ...openSys(), ...netSys, sendFd, recvFd, peerCred };
const CALL = '{"version":1,"target":"box","service":"x"}';
const lost = (why: string): Error => new Error(why);

interface Ground {
  readonly came: Incoming[];
  /** A new connection of that machine: the client's end. */
  connect(who: string): number;
  /** Until every connection so far was taken or is waiting. */
  settled(): Promise<void>;
}

function ground(max = 1024): Ground {
  const entrance = new Entrance(sys, max);
  const came: Incoming[] = [];
  return {
    came,
    connect(who) {
      const pair = sys.socketPair();
      assert.ok(typeof pair !== 'number');
      void entrance.take(pair[1], who).then((call) => {
        if (call !== undefined) came.push(call);
      });
      return pair[0];
    },
    settled: () => sleep(100),
  };
}

function put(fd: number, text: string): void {
  const mem = sys.alloc(2048);
  assert.ok(sys.write(fd, mem, 0, mem.cstring(Buffer.from(text))) > 0);
}

function drop({ control, data }: Incoming): void {
  control.destroy();
  sys.close(data);
}

/** What can be read until the other end closes; undefined: it has not closed within a second. */
async function rest(fd: number): Promise<string | undefined> {
  const socket = new Socket({ fd });
  let text = '';
  socket.on('data', (part: Buffer) => {
    text += part.toString('latin1');
  });
  const closed = new Promise<boolean>((resolve) =>
    socket.once('close', () => resolve(true)).once('error', () => {}),
  );
  const yes = await Promise.race([closed, sleep(1000).then(() => false)]);
  socket.destroy();
  return yes ? text : undefined;
}

/** Sends a call and reads the token. */
async function begin(g: Ground, who: string): Promise<{ control: Socket; token: string }> {
  const control = new Socket({ fd: g.connect(who) });
  control.write(`\0${CALL}\n`);
  const answer = JSON.parse((await readLineOf(control, 1024, 5000)) ?? '') as { data: string };
  assert.match(answer.data, /^[0-9a-f]{32}$/);
  return { control, token: answer.data };
}

const bring = (g: Ground, who: string, token: string, more = ''): number => {
  const fd = g.connect(who);
  put(fd, `\0{"version":1,"data":"${token}"}\n${more}`);
  return fd;
};

test('a call in two connections: the second one is the service’s, from the first byte after its line', async () => {
  const g = ground();
  const call = await streamCall(sys, () => Promise.resolve(g.connect('guest')), CALL, lost);
  put(call.data, 'for the service');
  await g.settled();
  const [come] = g.came;
  assert.ok(come !== undefined && g.came.length === 1);
  assert.equal(come.line, CALL);
  const mem = sys.alloc(64);
  assert.equal(sys.read(come.data, mem, 0, 64), 15);
  assert.equal(Buffer.from(mem.u8.subarray(0, 15)).toString(), 'for the service');
  come.control.end('{"exit":0,"words":""}\n');
  assert.equal(await readLineOf(call.control, 1024, 5000), '{"exit":0,"words":""}');
  sys.close(call.data);
  drop(come);
});

test('a call with a descriptor goes on as ever', async () => {
  const g = ground();
  const fd = g.connect('guest');
  const pair = sys.socketPair();
  assert.ok(typeof pair !== 'number');
  assert.equal(sendFd(fd, pair[1]), 0);
  put(fd, `${CALL}\n`);
  await g.settled();
  const [come] = g.came;
  assert.ok(come !== undefined);
  assert.equal(come.line, CALL);
  for (const one of [fd, ...pair]) sys.close(one);
  drop(come);
});

test('a token is of the machine that it was given to: another’s connection is closed, and the call still waits for its own', async () => {
  const g = ground();
  const { control, token } = await begin(g, 'guest');
  assert.equal(await rest(bring(g, 'other', token, 'stolen')), '');
  assert.equal(g.came.length, 0);
  const own = bring(g, 'guest', token);
  await g.settled();
  assert.equal(g.came.length, 1);
  // And it is good once.
  assert.equal(await rest(bring(g, 'guest', token)), '');
  assert.equal(g.came.length, 1);
  for (const come of g.came) drop(come);
  sys.close(own);
  control.destroy();
});

test('tokens of two calls at once are not mixed up', async () => {
  const g = ground();
  const one = await begin(g, 'guest');
  const two = await begin(g, 'guest');
  assert.notEqual(one.token, two.token);
  const second = bring(g, 'guest', two.token, '2');
  const first = bring(g, 'guest', one.token, '1');
  await g.settled();
  assert.equal(g.came.length, 2);
  const mem = sys.alloc(1);
  const read = g.came.map(({ data }) => {
    assert.equal(sys.read(data, mem, 0, 1), 1);
    return String.fromCharCode(mem.u8[0] ?? 0);
  });
  assert.deepEqual(read.toSorted(), ['1', '2']);
  // Each with the control connection of its own.
  const ends = Promise.all([one, two].map(({ control }) => readLineOf(control, 1024, 5000)));
  for (const [i, come] of g.came.entries()) come.control.end(`"${read[i]}"\n`);
  assert.deepEqual(await ends, ['"1"', '"2"']);
  for (const come of g.came) drop(come);
  for (const fd of [first, second]) sys.close(fd);
});

test('a call that is given up while it waits leaves its token worth nothing', async () => {
  const g = ground();
  const { control, token } = await begin(g, 'guest');
  control.destroy();
  await g.settled();
  assert.equal(await rest(bring(g, 'guest', token)), '');
  assert.equal(g.came.length, 0);
});

for (const [what, text] of [
  ['a token that nobody was given', `\0{"version":1,"data":"${'0'.repeat(32)}"}\n`],
  ['a line without its end, longer than any call', `\0${'x'.repeat(1500)}`],
  ['the end of the connection', ''],
] as const)
  test(`closed without a call: ${what}`, async () => {
    const g = ground();
    const fd = g.connect('guest');
    if (text !== '') put(fd, text);
    if (what.startsWith('the end')) netSys.shutdownWrite(fd);
    assert.equal(await rest(fd), '');
    assert.equal(g.came.length, 0);
  });

test('whoever calls hears when the other side does not do its part', async () => {
  const answers = async (text: string): Promise<string> => {
    const pair = sys.socketPair();
    assert.ok(typeof pair !== 'number');
    put(pair[1], text);
    netSys.shutdownWrite(pair[1]);
    const words = await streamCall(sys, () => Promise.resolve(pair[0]), CALL, lost).then(
      () => 'no error',
      (error: Error) => error.message,
    );
    sys.close(pair[1]);
    return words;
  };
  assert.match(await answers('{"exit":126,"words":"Request refused"}\n'), /^it answered \{"exit":126/);
  assert.match(await answers('{"data":"short"}\n'), /^it answered /);
  assert.match(await answers('\u0001\u202e\n'), /^it answered/);
  assert.equal(await answers('half'), 'it closed the connection');
});
