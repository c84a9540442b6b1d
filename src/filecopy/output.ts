// SPDX-License-Identifier: MIT

import { EAGAIN, ECONNRESET, EINTR, EPIPE, ETIMEDOUT } from '../base/errno.ts';
import { EMPTY, type Mem } from '../base/mem.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, type Sys } from '../base/sys.ts';
import {
  decodeResult,
  GREETING,
  RESULT_EXT_SIZE,
  RESULT_SIZE,
  type Result,
  resultSize,
} from '../qfile/index.ts';
import { crc32 } from './crc.ts';

const SIZE = 1 << 20;
/** So often a person who waits hears something. */
const TICK_MS = 200;

/** `flush` stopped because the receiver has spoken: read its result. */
export const ANSWERED = 1;

/**
 * The stream to the receiver: a buffer that is written when it is full enough, the checksum of all that was written, and an ear for the receiver's
 * result, which may come at any time. Both descriptors may be non-blocking or not; whoever made them closes them.
 */
export class Output {
  readonly mem: Mem;
  /** Where the next byte goes. */
  pos = 0;
  /** The checksum of everything written. */
  crc = 0;
  private readonly sys: Sys;
  private readonly readFd: number;
  private readonly writeFd: number;
  private readonly polled: Mem;
  private readonly idleMs: number;
  private readonly tick: () => void;

  /** `tick` is called now and then while the receiver keeps us waiting. `idleMs`: -ETIMEDOUT after so long a silence, 0 = wait for ever. */
  constructor(sys: Sys, readFd: number, writeFd: number, idleMs: number, tick: () => void) {
    this.sys = sys;
    this.readFd = readFd;
    this.writeFd = writeFd;
    this.idleMs = idleMs;
    this.tick = tick;
    this.mem = sys.alloc(SIZE);
    this.polled = sys.alloc(16);
    this.polled.dv.setInt32(0, readFd, true);
    this.polled.dv.setInt16(4, POLLIN, true);
    this.polled.dv.setInt32(8, writeFd, true);
    this.polled.dv.setInt16(12, POLLOUT, true);
  }

  get room(): number {
    return SIZE - this.pos;
  }

  /** Writes all that is in the buffer: 0, ANSWERED, or -errno (-EPIPE: the receiver is gone, perhaps after a result). */
  flush(): number {
    this.crc = crc32(this.mem.u8.subarray(0, this.pos), this.crc);
    for (let from = 0; from < this.pos; ) {
      const r = this.sys.write(this.writeFd, this.mem, from, this.pos - from);
      if (r >= 0) from += r;
      else if (r !== -EAGAIN) return r;
      else {
        const ready = this.wait(2);
        if (ready !== 0) return ready;
      }
    }
    this.pos = 0;
    return this.sys.poll(this.polled, 1, 0) > 0 ? ANSWERED : 0;
  }

  /** Waits until the receiver takes more (0) or has spoken (ANSWERED); `count` 1: for the latter alone. -ETIMEDOUT after `limit` ms, 0 = never. */
  private wait(count: 1 | 2, limit = this.idleMs): number {
    const { dv } = this.polled;
    for (let silent = 0; limit === 0 || silent < limit; silent += TICK_MS) {
      let r = -EINTR;
      // A signal is no silence.
      while (r === -EINTR) r = this.sys.poll(this.polled, count, TICK_MS);
      if (r < 0) return r;
      if (r > 0) {
        // Whoever hangs up without a result is noticed by the write or read that follows.
        if ((dv.getInt16(6, true) & (POLLIN | POLLHUP | POLLERR)) !== 0) return ANSWERED;
        if (count === 2 && dv.getInt16(14, true) !== 0) return 0;
      }
      this.tick();
    }
    return -ETIMEDOUT;
  }

  /** ANSWERED when the receiver says anything within so many ms (0: within `idleMs`), else -errno, most of all -ETIMEDOUT. */
  hears(ms: number): number {
    return this.wait(1, ms === 0 ? this.idleMs : ms);
  }

  /** What was written so far does not count; `bytes` come first. Only when nothing is in the buffer. */
  restart(bytes: Uint8Array): void {
    this.crc = 0;
    this.mem.u8.set(bytes);
    this.pos = bytes.length;
  }

  /** Reads `n` bytes of the receiver's into `mem`; fewer at its end. -errno. */
  read(mem: Mem, n: number): number {
    for (let have = 0; ; ) {
      if (have === n) return have;
      const ready = this.wait(1);
      if (ready < 0) return ready;
      const r = this.sys.read(this.readFd, mem, have, n - have);
      if (r === -EAGAIN) continue;
      if (r <= 0) return have;
      have += r;
    }
  }

  /** The receiver's result; `begun`: what of it was read already. undefined when it closed before a whole one; or -errno. */
  readResult(begun: Uint8Array = EMPTY): Result | undefined | number {
    const mem = this.sys.alloc(RESULT_SIZE + RESULT_EXT_SIZE + 16_384);
    mem.u8.set(begun);
    let have = begun.length;
    for (let want = resultSize(begun); have < want; want = resultSize(mem.u8.subarray(0, have))) {
      const ready = this.wait(1);
      if (ready < 0) return ready;
      const r = this.sys.read(this.readFd, mem, have, want - have);
      if (r === -EAGAIN) continue;
      // A socket that was reset has said all it had to say.
      if (r <= 0) break;
      have += r;
      // No result, and nothing comes after it: the receiver waits for us now.
      if (have >= 4 && mem.dv.getUint32(0, true) === GREETING) break;
    }
    return decodeResult(mem.u8.subarray(0, have));
  }

  /** Whether a failed write means that the receiver has gone, so that its result is the reason. */
  static gone(result: number): boolean {
    return result === -EPIPE || result === -ECONNRESET;
  }
}
