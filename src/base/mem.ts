// SPDX-License-Identifier: MIT

/**
 * A block of memory that the kernel may read and write while JavaScript does: fixed size, never moved,
 * zero-filled. A `Sys` makes them (`sys.alloc`), because only `linux/` can learn an address.
 *
 * System calls take `(mem, offset, length)` and never a bare address, so that one bounds check in `linux/`
 * keeps every engine memory-safe.
 */
export class Mem {
  readonly u8: Uint8Array;
  readonly dv: DataView;
  /** Bytes. */
  readonly size: number;
  /** Where the kernel finds it: below 2^53. Only `linux/` may read this; 0 in a `Sys` made for tests. */
  readonly address: number;

  constructor(u8: Uint8Array, address: number) {
    this.u8 = u8;
    this.dv = new DataView(u8.buffer, u8.byteOffset, u8.byteLength);
    this.size = u8.byteLength;
    this.address = address;
  }

  /** Writes a NUL-terminated string at 0 and returns its length without the NUL; throws RangeError when it does not fit. */
  cstring(bytes: Uint8Array | string): number {
    const b = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
    if (b.byteLength + 1 > this.size)
      throw new RangeError(`a string of ${b.byteLength} bytes in a block of ${this.size}`);
    this.u8.set(b);
    this.u8[b.byteLength] = 0;
    return b.byteLength;
  }
}

/**
 * A run of bytes inside a larger buffer, reused from message to message. Whoever holds one must not keep it
 * past the turn of the loop that filled it: the buffer is about to hold other bytes.
 */
export class Span {
  buf: Uint8Array = EMPTY;
  off = 0;
  len = 0;

  set(buf: Uint8Array, off: number, len: number): void {
    this.buf = buf;
    this.off = off;
    this.len = len;
  }

  /** A copy that is safe to keep. */
  copy(): Uint8Array {
    return this.buf.slice(this.off, this.off + this.len);
  }

  /** Copies the bytes and a closing NUL into `mem` at 0; false when they do not fit. */
  cstringInto(mem: Mem): boolean {
    const { buf, off, len } = this;
    if (len + 1 > mem.size) return false;
    const to = mem.u8;
    // For the short names of real folders a loop beats set(subarray()): no view is made.
    if (len < 64) for (let i = 0; i < len; i++) to[i] = buf[off + i] as number;
    else to.set(buf.subarray(off, off + len));
    to[len] = 0;
    return true;
  }

  /** For logs and errors: UTF-8 with anything odd replaced. */
  text(): string {
    return new TextDecoder().decode(this.buf.subarray(this.off, this.off + this.len));
  }
}

export const EMPTY = new Uint8Array(0);
