// SPDX-License-Identifier: MIT

import { readSync, writeSync } from 'node:fs';

const PIECE = 1 << 18;
/** A descriptor that someone made non-blocking is asked again after so long. */
const PAUSE_MS = 5;
const SLEEPER = new Int32Array(new SharedArrayBuffer(4));

/** Up to `length` bytes into `buffer` at 0; fewer at the end of the stream only. Throws the system's error. */
export function readFully(fd: number, buffer: Uint8Array, length: number): number {
  let have = 0;
  while (have < length) {
    const n = again(() => readSync(fd, buffer, have, length - have, null));
    if (n === 0) break;
    have += n;
  }
  return have;
}

export function writeFully(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += again(() => writeSync(fd, bytes, at, bytes.length - at));
}

/** Copies to the end of the stream and returns how many bytes there were; stops behind `limit` (then more than that is returned). `to` -1: nowhere. */
export function copyAll(from: number, to: number, limit = Number.POSITIVE_INFINITY): number {
  const buffer = new Uint8Array(PIECE);
  for (let total = 0; ; ) {
    const n = again(() => readSync(from, buffer, 0, PIECE, null));
    if (n === 0) return total;
    total += n;
    if (total > limit) return total;
    if (to >= 0) writeFully(to, buffer.subarray(0, n));
  }
}

function again(call: () => number): number {
  for (;;) {
    try {
      return call();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN' && code !== 'EINTR') throw error;
      Atomics.wait(SLEEPER, 0, 0, PAUSE_MS);
    }
  }
}
