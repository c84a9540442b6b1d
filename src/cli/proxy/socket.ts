// SPDX-License-Identifier: MIT

import { chownSync, existsSync, lstatSync, unlinkSync } from 'node:fs';
import { EAGAIN, ECONNABORTED, EINTR } from '../../base/errno.ts';
import { POLLIN } from '../../base/sys.ts';
import { Turns, type Watch } from '../../base/turns.ts';
import { openSys } from '../../linux/index.ts';
import { accept, listen } from '../../linux/net.ts';
import type { ProxyLog } from './log.ts';
import { strerror } from './strerror.ts';

/** Who may write to a Unix socket may connect: the owner and the group. */
const MODE = 0o770;
/** sizeof(sun_path), its NUL included. */
const SUN_PATH = 108;

/** A listening socket of the one client. */
export interface Waiting {
  readonly fd: number;
  /** Removes the name, if it is still this socket's. */
  remove(): void;
}

/** Makes the socket, owned by `uid` and `gid`. Logs why not, in the original's words, and returns undefined. */
export function makeSocket(path: string, uid: number, gid: number, log: ProxyLog): Waiting | undefined {
  const failed = (call: string, errno: number): undefined => {
    log.error(`${call}:${strerror(errno)}`);
    return undefined;
  };
  if (existsSync(path)) {
    log.error('socket already exists');
    return undefined;
  }
  if (Buffer.byteLength(path) >= SUN_PATH) {
    log.error(`UNIX domain socket path exceeds ${SUN_PATH} characters`);
    return undefined;
  }
  // One waits, as with the original: whoever is second is not served.
  const fd = listen({ kind: 'unix', path }, 1, MODE);
  if (fd < 0) return failed('bind', fd);
  const { ino, dev } = lstatSync(path);
  const remove = (): void => {
    try {
      const now = lstatSync(path);
      if (now.ino === ino && now.dev === dev) unlinkSync(path);
    } catch {
      // QEMU has removed it.
    }
  };
  try {
    chownSync(path, uid, gid);
  } catch (error) {
    openSys().close(fd);
    remove();
    return failed('chown', (error as NodeJS.ErrnoException).errno ?? 5);
  }
  return { fd, remove };
}

/** Waits for QEMU, and closes the listening socket. The connection, -errno, or the name of a signal that ended the wait (the socket's name is removed then). */
export async function acceptOne(waiting: Waiting): Promise<number | NodeJS.Signals> {
  const sys = openSys();
  const turns = new Turns(sys, 1);
  let result: number | NodeJS.Signals = -EINTR;
  const watch: Watch = {
    fd: waiting.fd,
    events: POLLIN,
    turn: () => {
      const fd = accept(waiting.fd);
      if (fd === -EAGAIN || fd === -ECONNABORTED || fd === -EINTR) return;
      result = fd;
      turns.stop();
    },
  };
  turns.add(watch);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onSignal = (signal: NodeJS.Signals): void => {
    result = signal;
    turns.stop();
  };
  for (const s of signals) process.on(s, onSignal);
  try {
    await turns.run();
  } finally {
    for (const s of signals) process.off(s, onSignal);
    sys.close(waiting.fd);
    if (typeof result === 'string') waiting.remove();
  }
  return result;
}
