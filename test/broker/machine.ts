// SPDX-License-Identifier: MIT
// What a machine can do to a broker with its own descriptors, made without our client.

import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLineOf } from '../../src/broker/control.ts';
import type { BrokerSys } from '../../src/broker/sys.ts';
import { openSys } from '../../src/linux/index.ts';
import { netSys, peerCred } from '../../src/linux/net.ts';
import { recvFd, sendFd } from '../../src/linux/passing.ts';
import { formatAsk, formatFolderLine } from '../../src/policy/wire.ts';
import { connectSocket } from '../../src/transport/connect.ts';
import type { Running } from '../helpers/cli.ts';

export const sys: BrokerSys = { ...openSys(), ...netSys, sendFd, recvFd, peerCred };

const ANSWER_MS = 8000;

export function pair(): readonly [number, number] {
  const both = sys.socketPair();
  assert.ok(typeof both !== 'number');
  return both;
}

export function put(fd: number, bytes: string | Uint8Array): void {
  const whole = Buffer.from(bytes);
  const mem = sys.alloc(whole.length);
  mem.u8.set(whole);
  assert.equal(sys.send(fd, mem, 0, whole.length), whole.length);
}

/** A call by the broker's socket at `path`, with `data` passed; it stays the caller's. */
export async function pass(path: string, data: number, target: string, service: string): Promise<Socket> {
  const fd = await connectSocket(sys, { kind: 'unix', path }, 5000);
  assert.equal(sendFd(fd, data), 0);
  const control = new Socket({ fd });
  // What a test that failed leaves open does not keep its process.
  control.on('error', () => {}).unref();
  control.write(`${JSON.stringify({ version: 1, target, service })}\n`);
  return control;
}

/** What comes back on a control connection; undefined: nothing within ANSWER_MS. */
export const answerOf = (control: Socket): Promise<string | undefined> =>
  readLineOf(control, 16 * 1024, ANSWER_MS);

/** Asks for a folder as any client does; undefined: no answer within ANSWER_MS. */
export async function asks(path: string, target: string, folder: string): Promise<string | undefined> {
  const [ours, theirs] = pair();
  const control = await pass(path, theirs, 'dom0', 'ruddo.AuthorizeFolderAccess');
  sys.close(theirs);
  put(ours, formatAsk({ target, folder, access: 'rw' }));
  sys.shutdownWrite(ours);
  const answer = await answerOf(control);
  control.destroy();
  sys.close(ours);
  return answer;
}

/** Connects to a granted folder; the channel, after its `ok`. */
export async function opens(
  path: string,
  target: string,
  print: string,
  folder: string,
): Promise<{ readonly channel: Socket; readonly control: Socket; gone(): boolean }> {
  const [ours, theirs] = pair();
  const control = await pass(path, theirs, target, `ruddo.ConnectToFolder+${print}`);
  sys.close(theirs);
  put(ours, formatFolderLine(folder));
  const channel = new Socket({ fd: ours });
  channel.on('error', () => {}).unref();
  assert.equal(await readLineOf(channel, 100, 20_000), 'ok');
  let gone = false;
  for (const event of ['end', 'close'] as const)
    channel.once(event, () => {
      gone = true;
    });
  channel.resume();
  return { channel, control, gone: () => gone };
}

/** Fills the way from `fd` to its other end. O_NONBLOCK is left as it is. */
export function fill(fd: number): void {
  const mem = sys.alloc(64 * 1024);
  for (let n = 1; n > 0; n = sys.send(fd, mem, 0, mem.size) > 0 ? 1 : 0);
  for (let n = 1; n > 0; n = sys.send(fd, mem, 0, 1));
}

/** A request of the machine whose socket is at `path` is answered: else the broker hangs, which is ended then so that the test can. */
export async function answersOthers(broker: Running, path: string): Promise<void> {
  const answer = await Promise.race([asks(path, 'nobody', '/x').catch(String), sleep(ANSWER_MS)]);
  if (answer === undefined) broker.child.kill('SIGKILL');
  assert.equal(answer, '{"exit":13,"words":"Request refused"}');
}
