// SPDX-License-Identifier: MIT

import { closeSync, constants } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EAGAIN } from '../base/errno.ts';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import { F_WRLCK, type Sys } from '../base/sys.ts';
import { openOwned } from './owned.ts';

export type LockSys = Pick<Sys, 'ofdSetLock'>;

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
