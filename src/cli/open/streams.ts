// SPDX-License-Identifier: MIT

import { readSync, writeSync } from 'node:fs';
import { O_NONBLOCK } from '../../base/sys.ts';
import { READABLE, Turns, type Watch, WRITABLE } from '../../base/turns.ts';
import { setNonblocking, statusFlags } from '../../linux/descriptors.ts';
import { openSys } from '../../linux/index.ts';

// A person may edit for a day, and what waits for that must hear signals: so none of these blocks, whatever the descriptors are.

const PIECE = 1 << 18;

/** Up to `length` bytes into `buffer` at 0; fewer at the end of the stream only. Rejects with the system's error. */
export async function readFully(fd: number, buffer: Uint8Array, length: number): Promise<number> {
  let have = 0;
  await turning({ fd, events: READABLE }, [fd], () => {
    const n = tried(() => readSync(fd, buffer, have, length - have, null));
    if (n !== undefined) have += n;
    return n !== 0 && have < length;
  });
  return have;
}

export async function writeFully(fd: number, bytes: Uint8Array): Promise<void> {
  let at = 0;
  await turning({ fd, events: WRITABLE }, [fd], () => {
    at += tried(() => writeSync(fd, bytes, at, bytes.length - at)) ?? 0;
    return at < bytes.length;
  });
}

/** Copies to the end of the stream and resolves with how many bytes there were; stops behind `limit` (then more than that is returned). `to` -1: nowhere. */
export async function copyAll(from: number, to: number, limit = Number.POSITIVE_INFINITY): Promise<number> {
  const buffer = new Uint8Array(PIECE);
  let [at, end, total] = [0, 0, 0];
  await turning({ fd: from, events: READABLE }, to < 0 ? [from] : [from, to], (watch) => {
    if (at === end) {
      const n = tried(() => readSync(from, buffer, 0, PIECE, null));
      if (n === 0) return false;
      total += n ?? 0;
      if (total > limit) return false;
      if (to < 0 || n === undefined) return true;
      [at, end] = [0, n];
    }
    at += tried(() => writeSync(to, buffer, at, end - at)) ?? 0;
    watch.fd = at === end ? from : to;
    watch.events = at === end ? READABLE : WRITABLE;
    return true;
  });
  return total;
}

/** Calls `step` whenever the descriptor is ready, until it says false. */
async function turning(
  first: { fd: number; events: number },
  fds: readonly number[],
  step: (watch: Watch) => boolean,
): Promise<void> {
  const turns = new Turns(openSys(), 1);
  const watch: Watch = {
    ...first,
    turn() {
      if (!step(watch)) turns.stop();
    },
  };
  turns.add(watch);
  const undo = fds.map(unblock);
  try {
    await turns.run();
  } finally {
    for (const back of undo) back();
  }
}

/** The flag is the description's, which others may share: the returned function undoes it. */
function unblock(fd: number): () => void {
  const flags = statusFlags(fd);
  if (flags < 0 || (flags & O_NONBLOCK) !== 0) return () => {};
  setNonblocking(fd, true);
  return () => setNonblocking(fd, false);
}

/** undefined: not now. */
function tried(call: () => number): number | undefined {
  try {
    return call();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EAGAIN' && code !== 'EINTR') throw error;
    return undefined;
  }
}
