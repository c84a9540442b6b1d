// SPDX-License-Identifier: MIT

import type { Span } from '../base/mem.ts';
import type { Off } from '../base/sys.ts';
import type { Qid } from './msg.ts';

const TWO32 = 4294967296;
/** High half from which a 64-bit value is no exact number any more: 2^53 / 2^32. */
const INEXACT_HI = 0x200000;

/**
 * One description of a message's fields that serves both ways, as in XDR (RFC 4506's C filters): given the present value, a writer puts it on the wire and
 * returns it, a reader ignores it and returns what the wire holds.
 */
export interface Coder {
  u8(v: number): number;
  u16(v: number): number;
  u32(v: number): number;
  u64(v: Off): Off;
  /** len[2] and that many bytes. */
  str(s: Span): void;
  /** count[4] and that many bytes. */
  data(s: Span): void;
  qid(q: Qid): void;
}

/**
 * Reads little-endian fields between `pos` and `end`. Running over the end is sticky: every further field reads as 0, and `over` says so once at the end,
 * so that the code which reads fields needs no check of its own.
 */
export class Reader implements Coder {
  buf: Uint8Array;
  private dv: DataView;
  pos = 0;
  end = 0;
  over = false;

  constructor(buf: Uint8Array) {
    this.buf = buf;
    this.dv = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
  }

  /** Reads `[pos, end)` from now on; `end` must lie within the buffer. */
  at(pos: number, end: number): void {
    if (end > this.buf.byteLength)
      throw new RangeError(`a reader's end ${end} beyond its buffer of ${this.buf.byteLength}`);
    this.pos = pos;
    this.end = end;
    this.over = false;
  }

  /** Claims `n` bytes and returns where they begin, or -1 with `over` set. */
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

  u8(_v = 0): number {
    const p = this.take(1);
    return p < 0 ? 0 : this.dv.getUint8(p);
  }
  u16(_v = 0): number {
    const p = this.take(2);
    return p < 0 ? 0 : this.dv.getUint16(p, true);
  }
  u32(_v = 0): number {
    const p = this.take(4);
    return p < 0 ? 0 : this.dv.getUint32(p, true);
  }
  u64(_v: Off = 0): Off {
    const p = this.take(8);
    if (p < 0) return 0;
    const hi = this.dv.getUint32(p + 4, true);
    if (hi < INEXACT_HI) return hi * TWO32 + this.dv.getUint32(p, true);
    return this.dv.getBigUint64(p, true);
  }
  str(s: Span): void {
    const n = this.u16();
    const p = this.take(n);
    if (p < 0) s.set(this.buf, 0, 0);
    else s.set(this.buf, p, n);
  }
  data(s: Span): void {
    const n = this.u32();
    const p = this.take(n);
    if (p < 0) s.set(this.buf, 0, 0);
    else s.set(this.buf, p, n);
  }
  qid(q: Qid): void {
    const p = this.take(13);
    if (p < 0) q.set(0, 0, 0, 0);
    else
      q.set(
        this.dv.getUint8(p),
        this.dv.getUint32(p + 1, true),
        this.dv.getUint32(p + 5, true),
        this.dv.getUint32(p + 9, true),
      );
  }
}

/** Writes little-endian fields from `pos` on. Running over the end is sticky in the same way; nothing is written past `end`. */
export class Writer implements Coder {
  buf: Uint8Array;
  private dv: DataView;
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

  u8(v: number): number {
    const p = this.take(1);
    if (p >= 0) this.dv.setUint8(p, v);
    return v;
  }
  u16(v: number): number {
    const p = this.take(2);
    if (p >= 0) this.dv.setUint16(p, v, true);
    return v;
  }
  u32(v: number): number {
    const p = this.take(4);
    if (p >= 0) this.dv.setUint32(p, v, true);
    return v;
  }
  u64(v: Off): Off {
    const p = this.take(8);
    if (p < 0) return v;
    if (typeof v === 'number') {
      this.dv.setUint32(p, v, true);
      this.dv.setUint32(p + 4, Math.floor(v / TWO32), true);
    } else {
      this.dv.setBigUint64(p, v, true);
    }
    return v;
  }
  /** A 64-bit value in halves. */
  u64halves(lo: number, hi: number): void {
    const p = this.take(8);
    if (p < 0) return;
    this.dv.setUint32(p, lo, true);
    this.dv.setUint32(p + 4, hi, true);
  }
  /** A string longer than 65,535 bytes cannot be carried: `over`. */
  str(s: Span): void {
    if (s.len > 0xffff) {
      this.over = true;
      return;
    }
    this.u16(s.len);
    this.bytes(s);
  }
  data(s: Span): void {
    this.u32(s.len);
    this.bytes(s);
  }
  bytes(s: Span): void {
    const { buf, off, len } = s;
    const p = this.take(len);
    if (p < 0) return;
    const to = this.buf;
    if (len < 64) for (let i = 0; i < len; i++) to[p + i] = buf[off + i] as number;
    else to.set(buf.subarray(off, off + len), p);
  }
  qid(q: Qid): void {
    const p = this.take(13);
    if (p < 0) return;
    this.dv.setUint8(p, q.type);
    this.dv.setUint32(p + 1, q.version, true);
    this.dv.setUint32(p + 5, q.pathLo, true);
    this.dv.setUint32(p + 9, q.pathHi, true);
  }
  /** Overwrites a 32-bit field that was written before. */
  patch32(pos: number, v: number): void {
    this.dv.setUint32(pos, v, true);
  }
}
