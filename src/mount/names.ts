// SPDX-License-Identifier: MIT

import { NAME_MAX } from '../p9-client/index.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/** What a name in a server's listing is. */
export const NAME_GOOD = 0;
/** `.` or `..`: shown, never looked up. */
export const NAME_DOTS = 1;
/** Must not reach the kernel: empty, over 255 bytes, or with a `/` or NUL. */
export const NAME_BAD = 2;

/** Judges the `len` bytes at `off`. Every other byte is a name's own business, control characters too. */
export function judgeName(
  u8: Uint8Array,
  off: number,
  len: number,
): typeof NAME_GOOD | typeof NAME_DOTS | typeof NAME_BAD {
  if (len === 0 || len > NAME_MAX) return NAME_BAD;
  if (u8[off] === DOT && (len === 1 || (len === 2 && u8[off + 1] === DOT))) return NAME_DOTS;
  for (let i = off, end = off + len; i < end; i++) {
    const c = u8[i];
    if (c === 0 || c === SLASH) return NAME_BAD;
  }
  return NAME_GOOD;
}
