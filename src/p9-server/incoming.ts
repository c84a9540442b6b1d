// SPDX-License-Identifier: MIT

import type { Mem } from '../base/mem.ts';
import { StreamFd } from '../base/stream-fd.ts';
import type { Sys } from '../base/sys.ts';
import { BAD_FRAME, frameSize, NEED_MORE } from '../p9/codec.ts';
import { Reader } from '../p9/coder.ts';

/** What the peer has sent and nobody has looked at yet. */
export class Incoming {
  mem: Mem;
  reader: Reader;
  private readonly sys: Sys;
  private readonly from: StreamFd;
  private pos = 0;
  private end = 0;

  constructor(sys: Sys, fd: number, size: number) {
    this.sys = sys;
    this.from = new StreamFd(sys, fd);
    this.mem = sys.alloc(size);
    this.reader = new Reader(this.mem.u8);
  }

  /** Takes in what has come: the bytes, 0 at the end of the stream, or -errno (-EAGAIN: nothing just now). */
  read(): number {
    const n = this.from.read(this.mem, this.end, this.mem.size - this.end);
    if (n > 0) this.end += n;
    return n;
  }

  /** Bytes that have come and are not taken. */
  get left(): number {
    return this.end - this.pos;
  }

  /** The size of the next message, at which `reader` is now; NEED_MORE, or BAD_FRAME. `msize`: the largest that it may have. */
  next(msize: number): number {
    const size = frameSize(this.mem.dv, this.pos, this.end, msize);
    if (size !== NEED_MORE && size !== BAD_FRAME) this.reader.at(this.pos, this.pos + size);
    return size;
  }

  /** What the next message says that its size is. */
  get announced(): number {
    return this.mem.dv.getUint32(this.pos, true);
  }

  take(size: number): void {
    this.pos += size;
  }

  /** Brings what is left to the front, where a message of `whole` bytes would not fit behind it. */
  compact(whole: number): void {
    const { left } = this;
    if (left === 0) {
      this.pos = 0;
      this.end = 0;
    } else if (this.pos > 0 && this.mem.size - this.pos < whole) {
      this.mem.u8.copyWithin(0, this.pos, this.end);
      this.pos = 0;
      this.end = left;
    }
  }

  /** A larger buffer; what has come goes along. */
  resize(size: number): void {
    const mem = this.sys.alloc(size);
    mem.u8.set(this.mem.u8.subarray(this.pos, this.end));
    this.end -= this.pos;
    this.pos = 0;
    this.mem = mem;
    this.reader = new Reader(mem.u8);
  }
}
