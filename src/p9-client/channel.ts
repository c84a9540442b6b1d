// SPDX-License-Identifier: MIT

import { EAGAIN } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { StreamFd } from '../base/stream-fd.ts';
import type { Sys } from '../base/sys.ts';
import { frameSize } from '../p9/codec.ts';
import { Requests } from './requests.ts';
import type { Reply } from './tags.ts';

/** Bytes of requests that are gathered before they are sent. */
const OUT_SIZE = 256 * 1024;
/** The front of the input is kept free for the header that a reply to the kernel puts before a reply's data. */
const FRONT = 64;
/** At most so much is taken in at once: what was just copied by the kernel is still in the processor's cache when it is passed on. */
const RECEIVE_STEP = 512 * 1024;

/** Bytes that are sooner moved than looked after. */
const SHORT = 4096;

export const ALL_SENT = 0;
export const MORE_TO_SEND = 1;

/**
 * The bytes of a connection, both ways, over two non-blocking descriptors (which may be one and the same). Requests gather in `requests`; `flush` sends
 * them, and behind them one run of bytes that lies elsewhere (the data of a write, sent from where the kernel put it).
 */
export class Channel {
  readonly requests: Requests;
  private readonly from: StreamFd;
  private readonly to: StreamFd;
  private readonly input: Mem;
  private readonly msize: number;
  private inPos = FRONT;
  private inEnd = FRONT;
  private sent = 0;
  private run: Mem | undefined;
  private runOff = 0;
  private runLen = 0;
  /** Some of the run is gone: the rest of it goes before anything else. */
  private runBegun = false;
  bytesIn = 0;
  bytesOut = 0;

  /** `msize`: as agreed; no reply may be longer. */
  constructor(sys: Sys, readFd: number, writeFd: number, msize: number) {
    this.from = new StreamFd(sys, readFd);
    this.to = new StreamFd(sys, writeFd);
    this.msize = msize;
    this.requests = new Requests(sys.alloc(OUT_SIZE));
    this.input = sys.alloc(FRONT + msize + Math.max(msize, RECEIVE_STEP));
  }

  /** A run of another block that is still being sent: that block must stay as it is. */
  get runBusy(): boolean {
    return this.run !== undefined;
  }

  /** Sends `len` bytes of `mem` behind all that waits. The caller calls `flush` next and leaves the bytes alone until `runBusy` is false. */
  setRun(mem: Mem, off: number, len: number): void {
    this.run = mem;
    this.runOff = off;
    this.runLen = len;
  }

  /** ALL_SENT, MORE_TO_SEND (wait for POLLOUT and call again), or -errno when the other end is gone. */
  flush(): number {
    const { requests } = this;
    for (;;) {
      const head = requests.end - this.sent;
      let n: number;
      if (this.run !== undefined) {
        n =
          head > 0 && !this.runBegun
            ? this.to.write2(requests.mem, this.sent, head, this.run, this.runOff, this.runLen)
            : this.to.write(this.run, this.runOff, this.runLen);
      } else {
        if (head === 0) return ALL_SENT;
        n = this.to.write(requests.mem, this.sent, head);
      }
      if (n === -EAGAIN) return MORE_TO_SEND;
      if (n < 0) return n;
      this.bytesOut += n;
      this.advance(n, this.runBegun ? 0 : head);
    }
  }

  /** `n` bytes went, the first `head` of them at the most from the requests. */
  private advance(n: number, head: number): void {
    if (n < head) {
      this.sent += n;
      return;
    }
    if (head > 0) {
      this.sent = 0;
      this.requests.end = 0;
    }
    if (this.run === undefined) return;
    const ofRun = n - head;
    this.runOff += ofRun;
    this.runLen -= ofRun;
    this.runBegun = this.runLen > 0;
    if (!this.runBegun) this.run = undefined;
  }

  /** Takes in what has arrived: bytes, 0 at the end of the stream, or -errno (-EAGAIN: nothing just now). */
  receive(): number {
    const { input } = this;
    if (this.inPos === this.inEnd) {
      this.inPos = FRONT;
      this.inEnd = FRONT;
    } else if (
      this.inEnd - this.inPos <= SHORT ||
      input.size - this.inPos < this.msize ||
      input.size === this.inEnd
    ) {
      // What is left of a reply that has begun comes to the front, so that the whole of it fits behind; if it is little in any case, so that a rehearsal comes by here.
      input.u8.copyWithin(FRONT, this.inPos, this.inEnd);
      this.inEnd -= this.inPos - FRONT;
      this.inPos = FRONT;
    }
    const n = this.from.read(input, this.inEnd, Math.min(RECEIVE_STEP, input.size - this.inEnd));
    if (n > 0) {
      this.inEnd += n;
      this.bytesIn += n;
    }
    return n;
  }

  /**
   * The next whole reply into `r`: its size, NEED_MORE, or BAD_FRAME. The bytes before the body's data may be overwritten: earlier replies are done with.
   */
  next(r: Reply): number {
    const { dv, u8 } = this.input;
    const size = frameSize(dv, this.inPos, this.inEnd, this.msize);
    if (size <= 0) return size;
    r.u8 = u8;
    r.dv = dv;
    r.type = dv.getUint8(this.inPos + 4);
    r.tag = dv.getUint16(this.inPos + 5, true);
    r.pos = this.inPos + 7;
    r.end = this.inPos + size;
    this.inPos += size;
    return size;
  }

  /** The block that `Reply.u8` is of, for system calls that pass data on. */
  get inputMem(): Mem {
    return this.input;
  }
}
