// SPDX-License-Identifier: MIT

import type { Reader, Writer } from './coder.ts';
import { HEADER } from './constants.ts';
import { BY_TYPE } from './messages.ts';
import type { Msg } from './msg.ts';

/** `frameSize`: more bytes must come before anything can be said. Never confused with… */
export const NEED_MORE = 0;
/** …a size that no message can have: the stream cannot be followed any further. */
export const BAD_FRAME = -1;

/**
 * Looks for a whole message in `[pos, end)`.
 *
 * Returns its size in bytes (≥ 7), NEED_MORE, or BAD_FRAME when the size field is below 7 or above `msize`.
 */
export function frameSize(dv: DataView, pos: number, end: number, msize: number): number {
  const have = end - pos;
  if (have < 4) return NEED_MORE;
  const size = dv.getUint32(pos, true);
  if (size < HEADER || size > msize) return BAD_FRAME;
  return have < size ? NEED_MORE : size;
}

export const DECODED = 0;
/** The type has no row. */
export const UNKNOWN_TYPE = 1;
/** The body ends too soon or too late for its type. */
export const MALFORMED = 2;

/**
 * Decodes the message that fills `[r.pos, r.end)`, header included, into `m`. `m.type` and `m.tag` are right whatever the result.
 * The range must hold at least the 7 bytes of a header.
 */
export function decode(r: Reader, m: Msg): typeof DECODED | typeof UNKNOWN_TYPE | typeof MALFORMED {
  r.u32();
  m.type = r.u8();
  m.tag = r.u16();
  const row = BY_TYPE[m.type];
  if (row === undefined) return UNKNOWN_TYPE;
  row.body(r, m);
  return r.over || r.pos !== r.end ? MALFORMED : DECODED;
}

/**
 * Encodes `m` (its `type`, `tag` and that type's fields) at `w.pos` and returns the message's size, or -1 when it does not fit, with `w.pos` where it was.
 */
export function encode(w: Writer, m: Msg): number {
  const start = w.pos;
  const row = BY_TYPE[m.type];
  if (row === undefined) throw new RangeError(`no 9P message has the number ${m.type}`);
  w.u32(0);
  w.u8(m.type);
  w.u16(m.tag);
  row.body(w, m);
  if (w.over) {
    w.pos = start;
    w.over = false;
    return -1;
  }
  const size = w.pos - start;
  w.patch32(start, size);
  return size;
}
