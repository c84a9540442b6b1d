// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { openSys } from '../linux/index.ts';
import { netSys, pipe } from '../linux/net.ts';
import { Relay } from './relay.ts';
import type { TransportSys } from './sys.ts';

const sys: TransportSys = { ...openSys(), ...netSys };
const both = (fd: number): { readFd: number; writeFd: number } => ({ readFd: fd, writeFd: fd });

/** Two sockets for the test, whose other ends are joined. */
function joined(buffer: number): { left: number; right: number; relay: Relay; close(): void } {
  const one = sys.socketPair();
  const two = sys.socketPair();
  assert.ok(typeof one !== 'number' && typeof two !== 'number');
  const relay = new Relay(sys, both(one[1]), both(two[0]), buffer);
  return {
    left: one[0],
    right: two[1],
    relay,
    close: () => {
      sys.close(one[1]);
      sys.close(two[0]);
    },
  };
}

test('more than any buffer, both ways at once, each byte in its place; the end of one direction leaves the other', async () => {
  const { left, right, relay, close } = joined(1000);
  const [a, b] = [left, right].map((fd) => new Socket({ fd, allowHalfOpen: true }));
  assert.ok(a !== undefined && b !== undefined);
  const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) >> 3));
  const got = [a, b].map((socket) => {
    const parts: Buffer[] = [];
    return new Promise<Buffer>((resolve) => {
      socket.on('data', (part: Buffer) => parts.push(part)).once('end', () => resolve(Buffer.concat(parts)));
    });
  });
  const [atA, atB] = got;
  a.end(bytes);
  let over = false;
  const turn = (): void => {
    over = relay.turn(0) < 0;
    if (!over) setImmediate(turn);
  };
  turn();
  assert.ok((await atB)?.equals(bytes));
  assert.equal(over, false, 'the other direction goes on');
  b.end(bytes);
  assert.ok((await atA)?.equals(bytes));
  while (!over) await new Promise((resolve) => setImmediate(resolve));
  close();
});

test('who is gone altogether is told to the other end, though bytes for it are on the way', () => {
  const { left, right, relay, close } = joined(64);
  const mem = sys.alloc(4096);
  assert.equal(sys.write(left, mem, 0, 4096), 4096);
  sys.close(right);
  let turns = 0;
  // The left end has not closed: its direction is over because nobody reads any more, the other by the end.
  while (relay.turn(1000) >= 0) assert.ok(++turns < 10, 'it does not spin');
  assert.equal(sys.read(left, mem, 0, 1), 0);
  sys.close(left);
  close();
});

test('a pipe is closed at the end of its direction, as ssh needs it', () => {
  const [input, output]: [number, number][] = [
    [-1, -1],
    [-1, -1],
  ];
  const pair = sys.socketPair();
  assert.ok(input !== undefined && output !== undefined && typeof pair !== 'number');
  assert.equal(pipe(input) + pipe(output), 0);
  const relay = new Relay(sys, { readFd: input[0], writeFd: output[1] }, both(pair[0]), 64);
  const mem = sys.alloc(8);
  assert.equal(sys.write(input[1], mem, 0, 8), 8);
  while (relay.turn(0) > 0);
  assert.equal(sys.read(pair[1], mem, 0, 8), 8);
  assert.equal(netSys.shutdownWrite(pair[1]), 0);
  assert.equal(relay.turn(1000), 0);
  assert.equal(sys.read(output[0], mem, 0, 1), 0, 'the end can be read: the writer is closed');
  assert.equal(sys.write(input[1], mem, 0, 1), 1, 'the other direction is open');
  for (const fd of [...input, output[0], ...pair]) sys.close(fd);
});
