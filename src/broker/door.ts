// SPDX-License-Identifier: MIT

import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { POLLIN, type Sys } from '../base/sys.ts';
import { Turns, yieldToNode } from '../base/turns.ts';
import { AUTHORIZE_MAX, FOLDER_LINE_MAX } from '../policy/wire.ts';
import { Entrance, type Incoming } from './incoming.ts';
import { readAllShared, readLineShared, sendShared } from './shared.ts';
import type { BrokerSys } from './sys.ts';
import { LineCutter } from './traffic.ts';

/**
 * The door of one machine: a process of its own between that machine's connections and the broker. Descriptors that a machine passes can make whoever has them wait in the kernel, by nothing but receiving, reading or
 * closing them: a file of a FUSE file system that does not answer a close, a TCP socket with SO_LINGER, a reader on the same socket that holds its lock. Then this process waits, and that machine with it; the
 * broker goes on.
 *
 * Over standard input come two descriptors for each connection: the machine's, and a Unix socket to the broker. On that one the door acts as the machine would: one byte with the data descriptor, which is a stream
 * socket now, and the line of the call. What the broker writes is passed on, line by line, but for orders to the door (`DoorOrder`).
 */
export const CALL_LINE_MAX = 1024;
const LINE_MAX = 64 * 1024;
const IO_MS = 10_000;
const LAST_MS = 500;

/** What the door does with the data channel at the broker's word. `line` and `all` read, and are answered with one line, base64 or `-`; `close`: the broker has closed it, too. */
export type DoorOrder =
  | { readonly door: 'line' | 'all' | 'close' }
  | { readonly door: 'put'; readonly bytes: string };
const ORDER = '{"door":';
export const orderLine = (order: DoorOrder): string => `${JSON.stringify(order)}\n`;

/** Resolves when the broker has gone. */
export async function serveDoor(sys: BrokerSys, loop: Sys): Promise<void> {
  const entrance = new Entrance(sys, CALL_LINE_MAX, true);
  const open = new Set<Socket>();
  const turns = new Turns(loop, 1);
  turns.add({
    fd: 0,
    events: POLLIN,
    turn: () => {
      yieldToNode();
      const theirs = sys.recvFd(0);
      const inner = theirs < 0 ? -1 : sys.recvFd(0);
      if (inner < 0) turns.stop();
      else void carry(sys, entrance, theirs, inner, open);
    },
  });
  await turns.run();
  // What the broker has said at its end is still on its way.
  const until = performance.now() + LAST_MS;
  while (open.size > 0 && performance.now() < until) await sleep(10);
}

async function carry(
  sys: BrokerSys,
  entrance: Entrance,
  theirs: number,
  inner: number,
  open: Set<Socket>,
): Promise<void> {
  // Of one machine is all that comes by this door.
  const come = await entrance.take(theirs, '').catch(() => undefined);
  if (come !== undefined && sys.sendFd(inner, come.data) === 0) {
    open.add(come.control);
    come.control.once('close', () => open.delete(come.control));
    join(sys, come, inner);
  } else {
    sys.close(inner);
    come?.control.destroy();
    if (come !== undefined) sys.close(come.data);
  }
}

function join(sys: BrokerSys, { control, line, data }: Incoming, fd: number): void {
  const inner = new Socket({ fd });
  inner.on('error', () => {}).write(`${line ?? ''}\n`);
  let open = true;
  const close = (): void => {
    if (open) sys.close(data);
    open = false;
  };
  const obey = async (order: DoorOrder): Promise<void> => {
    if (!open) return;
    if (order.door === 'close') return close();
    if (order.door === 'put')
      return void (await sendShared(sys, data, Buffer.from(order.bytes, 'base64'), IO_MS));
    const bytes =
      order.door === 'all'
        ? await readAllShared(sys, data, AUTHORIZE_MAX, IO_MS)
        : await readLineShared(sys, data, FOLDER_LINE_MAX, IO_MS);
    inner.write(bytes === undefined ? '-\n' : `${Buffer.from(bytes).toString('base64')}\n`);
  };
  // One after the other: what is put comes before the word that it was the end.
  let last = Promise.resolve();
  const cutter = new LineCutter(LINE_MAX, (told) => {
    last = last.then(() =>
      told.startsWith(ORDER) ? obey(JSON.parse(told) as DoorOrder) : void control.write(`${told}\n`),
    );
  });
  inner.on('data', (part: Buffer) => cutter.push(part));
  inner.once('close', () => {
    // What is under way with the channel ends in its own time.
    void last.then(() => {
      close();
      control.end();
    });
  });
  const gone = (): void => void inner.end();
  if (control.destroyed) gone();
  control.resume().once('end', gone).once('close', gone);
}
