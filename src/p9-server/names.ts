// SPDX-License-Identifier: MIT

import { EINVAL, ENAMETOOLONG, ENOENT } from '../base/errno.ts';
import type { Mem, Span } from '../base/mem.ts';
import { NAME_MAX } from '../p9/constants.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

export const NAME_OK = 0;
/** `checkName` for `..`: allowed in Twalk alone, where it stops at the root. */
export const NAME_DOTDOT = 1;

/**
 * The check that every name from the wire passes, in every message that carries one: a single component, not empty, no `/`, no NUL, at most 255
 * bytes, not `.`. Copies it NUL-terminated into `to`. Returns NAME_OK, NAME_DOTDOT or -errno.
 */
export function checkName(name: Span, to: Mem): number {
  const { buf, off, len } = name;
  if (len === 0) return -ENOENT;
  if (len > NAME_MAX) return -ENAMETOOLONG;
  const out = to.u8;
  for (let i = 0; i < len; i++) {
    const c = buf[off + i] as number;
    if (c === SLASH || c === 0) return -EINVAL;
    out[i] = c;
  }
  out[len] = 0;
  if (buf[off] === DOT) {
    if (len === 1) return -EINVAL;
    if (len === 2 && buf[off + 1] === DOT) return NAME_DOTDOT;
  }
  return NAME_OK;
}

/** `checkName` for names that are made, removed or renamed: `..` is refused too. 0 or -errno. */
export function checkNewName(name: Span, to: Mem): number {
  const r = checkName(name, to);
  return r === NAME_DOTDOT ? -EINVAL : r;
}
