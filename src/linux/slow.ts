// SPDX-License-Identifier: MIT
// The same calls on libuv's thread pool, for what may block long.

import type { Mem } from '../base/mem.ts';
import type { Off, SlowSys } from '../base/sys.ts';
import { type AsyncFn, asyncOf, c, interrupted, ret } from './libc.ts';
import { at } from './memory.ts';

/**
 * Calls handed to koffi at one time. koffi throws beyond 256, allocates anew beyond 8, and the pool has 4 threads unless UV_THREADPOOL_SIZE
 * says otherwise; more in flight gains nothing. The rest waits here in the order of arrival.
 */
const IN_FLIGHT = Math.min(128, Math.max(8, Number(process.env.UV_THREADPOOL_SIZE) || 0));

interface Call {
  fn: AsyncFn;
  args: (number | bigint)[];
  /** Keeps the memory alive until the kernel is done with it. */
  mem: Mem | undefined;
  done: (result: number) => void;
}
const waiting: Call[] = [];
let running = 0;

function submit(call: Call): void {
  if (running >= IN_FLIGHT) waiting.push(call);
  else start(call);
}

function start(call: Call): void {
  running++;
  call.fn(...call.args, (error: unknown, result: number) => {
    // koffi sets errno to this very call's before it calls back; `ret` reads it before anything else runs.
    const r = error === null ? ret(result) : Number.NaN;
    running--;
    if (interrupted(r)) {
      start(call);
      return;
    }
    const next = waiting.shift();
    if (next !== undefined) start(next);
    // Arguments are checked before they get here, so koffi has nothing to refuse.
    if (error !== null) throw error;
    call.done(r);
  });
}

/** koffi refuses more than 256 asynchronous calls; they count until the event loop has turned, which a synchronous loop does not let it. */
const SYNCFS_MAX = 100;
let syncing = 0;

/** See `Sys.startSyncfs`. */
export function startSyncfs(fd: number): void {
  if (syncing >= SYNCFS_MAX) return;
  syncing++;
  syncfs(fd, () => {
    syncing--;
  });
}

const syncfs = asyncOf(c.syncfs);
const pread = asyncOf(c.pread);
const fsync = asyncOf(c.fsync);
const fdatasync = asyncOf(c.fdatasync);

export const slow: SlowSys = {
  pread(fd: number, mem: Mem, off: number, len: number, pos: Off, done: (result: number) => void): void {
    submit({ fn: pread, args: [fd, at(mem, off, len), len, pos], mem, done });
  },
  fsync(fd: number, done: (result: number) => void): void {
    submit({ fn: fsync, args: [fd], mem: undefined, done });
  },
  fdatasync(fd: number, done: (result: number) => void): void {
    submit({ fn: fdatasync, args: [fd], mem: undefined, done });
  },
};
