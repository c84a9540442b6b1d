// SPDX-License-Identifier: MIT

import type { Span } from '../base/mem.ts';
import type { Off } from '../base/sys.ts';
import { STRING_MAX } from './constants.ts';

const TWO32 = 4294967296;

/**
 * How a row of the table speaks of its fields: a reader takes no notice of the argument and returns what came, a writer writes it and gives it
 * back. Host order, which is little-endian on every machine that we run on; no padding.
 */
export interface Coder {
  /** Signed 32 bits. */
  d(v: number): number;
  /** Unsigned 32 bits. */
  u(v: number): number;
  /** Signed 64 bits: a number where that is exact. */
  q(v: Off): Off;
  /** A string of at most 65,535 bytes, without NUL. */
  s(v: Span): void;
}

/** Running over the end is sticky: `over`, and all further fields are 0 or empty. */
export class Reader implements Coder {
  private readonly buf: Uint8Array;
  private readonly dv: DataView;
  pos = 0;
  end = 0;
  over = false;

  constructor(buf: Uint8Array) {
    this.buf = buf;
    this.dv = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
  }

  at(pos: number, end: number): void {
    if (end > this.buf.byteLength)
      throw new RangeError(`a reader's end ${end} beyond its buffer of ${this.buf.byteLength}`);
    this.pos = pos;
    this.end = end;
    this.over = false;
  }

  private take(n: number): number {
    const p = this.pos;
    if (n > this.end - p) {
      this.over = true;
      this.pos = this.end;
      return -1;
    }
    this.pos = p + n;
    return p;
  }

  d(_v: number): number {
    const p = this.take(4);
    return p < 0 ? 0 : this.dv.getInt32(p, true);
  }
  u(_v: number): number {
    const p = this.take(4);
    return p < 0 ? 0 : this.dv.getUint32(p, true);
  }
  q(_v: Off): Off {
    const p = this.take(8);
    if (p < 0) return 0;
    const value = this.dv.getInt32(p + 4, true) * TWO32 + this.dv.getUint32(p, true);
    return Number.isSafeInteger(value) ? value : this.dv.getBigInt64(p, true);
  }
  s(v: Span): void {
    const p = this.take(2);
    const n = p < 0 ? 0 : this.dv.getUint16(p, true);
    const at = this.take(n);
    if (at < 0) v.set(this.buf, 0, 0);
    else v.set(this.buf, at, n);
  }
}

/** Writes from `pos` on; what does not fit is not written at all, and `over` stays set. */
export class Writer implements Coder {
  readonly buf: Uint8Array;
  private readonly dv: DataView;
  pos = 0;
  end = 0;
  over = false;

  constructor(buf: Uint8Array) {
    this.buf = buf;
    this.dv = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
    this.end = buf.byteLength;
  }

  at(pos: number, end: number): void {
    if (end > this.buf.byteLength)
      throw new RangeError(`a writer's end ${end} beyond its buffer of ${this.buf.byteLength}`);
    this.pos = pos;
    this.end = end;
    this.over = false;
  }

  private take(n: number): number {
    const p = this.pos;
    if (n > this.end - p) {
      this.over = true;
      return -1;
    }
    this.pos = p + n;
    return p;
  }

  d(v: number): number {
    const p = this.take(4);
    if (p >= 0) this.dv.setInt32(p, v, true);
    return v;
  }
  u(v: number): number {
    const p = this.take(4);
    if (p >= 0) this.dv.setUint32(p, v, true);
    return v;
  }
  q(v: Off): Off {
    const p = this.take(8);
    if (p < 0) return v;
    if (typeof v === 'number') {
      this.dv.setUint32(p, v >>> 0, true);
      this.dv.setInt32(p + 4, Math.floor(v / TWO32), true);
    } else this.dv.setBigInt64(p, v, true);
    return v;
  }
  /** 64 bits in halves. */
  halves(lo: number, hi: number): void {
    const p = this.take(8);
    if (p < 0) return;
    this.dv.setUint32(p, lo, true);
    this.dv.setUint32(p + 4, hi, true);
  }
  s(v: Span): void {
    if (v.len > STRING_MAX || v.len + 2 > this.end - this.pos) {
      this.over = true;
      return;
    }
    const p = this.take(2 + v.len);
    this.dv.setUint16(p, v.len, true);
    this.buf.set(v.buf.subarray(v.off, v.off + v.len), p + 2);
  }
}
