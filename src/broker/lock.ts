// SPDX-License-Identifier: MIT

import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EAGAIN } from '../base/errno.ts';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import { F_UNLCK, F_WRLCK, type LockInfo, type Sys } from '../base/sys.ts';
import { openOwned } from './owned.ts';

export type LockSys = Pick<Sys, 'ofdSetLock' | 'ofdGetLock'>;

/** A lock that is held. It goes with its descriptor, so a process that is killed holds none. */
export interface Lock {
  release(): void;
}

/** The lock on a file, made if need be; undefined when another holds it. Throws NinefoldError STORE_FAILED (exit 78). */
export function tryLock(sys: LockSys, path: string): Lock | undefined {
  let fd: number;
  try {
    fd = openOwned(path, constants.O_WRONLY);
  } catch (error) {
    throw unusable(path, -Math.abs((error as NodeJS.ErrnoException).errno ?? 5), error);
  }
  const r = sys.ofdSetLock(fd, F_WRLCK, 0, 0);
  if (r < 0) {
    closeSync(fd);
    if (r === -EAGAIN) return undefined;
    throw unusable(path, r);
  }
  let held = true;
  return {
    release() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

/** Whether another holds the lock on a file that there is. It takes none itself, so that nobody finds it held because of the look. */
export const isHeld = (sys: LockSys, path: string): boolean => look(sys, path) === true;

/** Whether it is sure that nobody holds it: whoever did is gone, wherever on this machine it ran. */
export const isFree = (sys: LockSys, path: string): boolean => look(sys, path) === false;

/** undefined: the file has gone, or is another user's, and nothing is known of it. */
function look(sys: LockSys, path: string): boolean | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY);
  } catch {
    return undefined;
  }
  const info: LockInfo = { type: F_UNLCK, start: 0, len: 0, pid: 0 };
  const r = sys.ofdGetLock(fd, F_WRLCK, 0, 0, info);
  closeSync(fd);
  return r === 0 ? info.type !== F_UNLCK : undefined;
}

/** Waits for a lock, looking again every few milliseconds; undefined after `patienceMs`. */
export async function lock(sys: LockSys, path: string, patienceMs: number): Promise<Lock | undefined> {
  const deadline = performance.now() + patienceMs;
  for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
    const got = tryLock(sys, path);
    if (got !== undefined) return got;
    const left = deadline - performance.now();
    if (left <= 0) return undefined;
    // Not in step with the others who wait.
    await sleep(Math.min(left, pause * (0.5 + Math.random())));
  }
}

function unusable(path: string, errno: number, cause?: unknown): NinefoldError {
  return new NinefoldError({
    code: 'STORE_FAILED',
    exit: EXIT.config,
    what: 'cannot lock',
    on: printable(path),
    why: because(errno),
    remedy: 'check the folder that it is in',
    cause,
  });
}
