// SPDX-License-Identifier: MIT

import { EAGAIN, ECANCELED, EINTR, ETIMEDOUT } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { POLLIN, type Sys } from '../base/sys.ts';
import { crc32 } from './crc.ts';

/** Bytes that one read asks for. */
const SIZE = 1 << 20;
/** What a sender may have under way when it is refused. */
const DRAIN_READS = 1000;
const DRAIN_MS = 2000;

/**
 * The stream from the sender: a buffer, what of it is not consumed yet (`start` to `end`), and the checksum of all that was.
 * Blocks; whoever made the descriptor closes it.
 */
export class Input {
  readonly mem: Mem;
  start = 0;
  end = 0;
  private summed = 0;
  private running = 0;
  private readonly sys: Sys;
  private readonly fd: number;
  private readonly patience: number;
  private readonly waiting: Mem;

  /**
   * `idleMs`: give up with -ETIMEDOUT when nothing comes for so long; 0 = wait for ever. `aliveFd`: a pipe; when its other end closes, -ECANCELED.
   * -1 = none.
   */
  constructor(sys: Sys, fd: number, idleMs: number, aliveFd: number) {
    this.sys = sys;
    this.fd = fd;
    this.patience = idleMs > 0 ? idleMs : -1;
    this.mem = sys.alloc(SIZE);
    this.waiting = sys.alloc(16);
    this.waiting.dv.setInt32(0, fd, true);
    this.waiting.dv.setInt16(4, POLLIN, true);
    // Asked for nothing, poll(2) still tells of the end. What is written there is of no interest.
    this.waiting.dv.setInt32(8, aliveFd, true);
  }

  /** Bytes that are here. */
  get have(): number {
    return this.end - this.start;
  }

  /** The checksum of everything consumed. */
  get crc(): number {
    this.sum();
    return this.running;
  }

  /** Makes `n` bytes (at most 16,384 + 32) lie together at `start`. 1, 0 at the end of the stream, or -errno. */
  need(n: number): number {
    while (this.end - this.start < n) {
      if (this.start + n > this.mem.size) this.compact();
      const r = this.fill();
      if (r <= 0) return r;
    }
    return 1;
  }

  /** Reads once, after what is here; there is room when all or much was consumed. Bytes, 0 at the end, or -errno. */
  fill(): number {
    if (this.start === this.end) {
      this.sum();
      this.start = 0;
      this.end = 0;
      this.summed = 0;
    }
    for (;;) {
      const ready = this.wait();
      if (ready < 0) return ready;
      const r = this.sys.read(this.fd, this.mem, this.end, this.mem.size - this.end);
      // A descriptor that someone made non-blocking, and another reader.
      if (r === -EAGAIN) continue;
      if (r > 0) this.end += r;
      return r;
    }
  }

  /** 0 when there is something to read, or the end. A poll for each MiB costs nothing. */
  private wait(): number {
    for (;;) {
      const ready = this.sys.poll(this.waiting, 2, this.patience);
      if (ready === 0) return -ETIMEDOUT;
      if (ready === -EINTR) continue;
      if (ready < 0) return ready;
      // poll(2) passes over a negative descriptor.
      if (this.waiting.dv.getInt16(14, true) !== 0) return -ECANCELED;
      return 0;
    }
  }

  /** Reads and forgets what comes until the sender closes; for a while at the most. */
  drain(): void {
    for (let i = 0; i < DRAIN_READS; i++) {
      if (this.sys.poll(this.waiting, 2, DRAIN_MS) <= 0) return;
      if (this.sys.read(this.fd, this.mem, 0, this.mem.size) <= 0) return;
    }
  }

  private compact(): void {
    this.sum();
    this.mem.u8.copyWithin(0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
    this.summed = 0;
  }

  private sum(): void {
    if (this.summed === this.start) return;
    this.running = crc32(this.mem.u8.subarray(this.summed, this.start), this.running);
    this.summed = this.start;
  }
}
