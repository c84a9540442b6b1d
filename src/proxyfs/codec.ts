// SPDX-License-Identifier: MIT

import type { Reader, Writer } from './coder.ts';
import { PROXY_HEADER, PROXY_MAX } from './constants.ts';
import { BY_TYPE } from './messages.ts';
import type { Request } from './request.ts';

/** `requestSize`: more bytes must come before anything can be said. */
export const NEED_MORE = 0;
/** A type that no request has. */
export const BAD_TYPE = -1;
/** A payload over 65,536 bytes. */
export const BAD_SIZE = -2;

/** Size in bytes of the request that starts at `pos`, its header included, once it is there whole; else one of the above. */
export function requestSize(dv: DataView, pos: number, end: number): number {
  if (end - pos < PROXY_HEADER) return NEED_MORE;
  if (BY_TYPE[dv.getUint32(pos, true)] === undefined) return BAD_TYPE;
  const size = dv.getUint32(pos + 4, true);
  if (size > PROXY_MAX) return BAD_SIZE;
  return end - pos < PROXY_HEADER + size ? NEED_MORE : PROXY_HEADER + size;
}

/**
 * Decodes the request that fills `[r.pos, r.end)`, header included, into `m`. False when its fields end before or after its payload, or
 * its type is none. The range must hold a header.
 */
export function decode(r: Reader, m: Request): boolean {
  m.type = r.u(0);
  r.u(0);
  const row = BY_TYPE[m.type];
  if (row === undefined) return false;
  row.body(r, m);
  return !r.over && r.pos === r.end;
}

/** Encodes `m` at `w.pos` and returns its size, or -1 when it does not fit, with `w.pos` where it was. */
export function encode(w: Writer, m: Request): number {
  const row = BY_TYPE[m.type];
  if (row === undefined) throw new RangeError(`no request of the proxy has the number ${m.type}`);
  const start = w.pos;
  w.u(m.type);
  w.u(0);
  row.body(w, m);
  const size = w.pos - start - PROXY_HEADER;
  if (w.over || size > PROXY_MAX) {
    w.pos = start;
    w.over = false;
    return -1;
  }
  const end = w.pos;
  w.pos = start + 4;
  w.u(size);
  w.pos = end;
  return PROXY_HEADER + size;
}
