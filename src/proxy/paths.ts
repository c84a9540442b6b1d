// SPDX-License-Identifier: MIT

import { EINVAL, ENAMETOOLONG, ENOENT } from '../base/errno.ts';
import type { Mem, Span } from '../base/mem.ts';

const SLASH = 0x2f;
const DOT = 0x2e;
const NAME_MAX = 255;
/** With the closing NUL. */
export const PATH_MAX = 4096;

/**
 * Makes of a path from the wire one that starts at the export's root, leads to the object without a detour and never up: no leading slash, no
 * empty component, no `.`, no `..`; "." for the root itself. `..` takes away the component before it and stops at the root: exactly what it means
 * where no symbolic link is followed. Writes it NUL-terminated at 0 of `to` (at least PATH_MAX bytes).
 *
 * Returns where the last component starts in `to`, or -errno: ENOENT for an empty path, EINVAL for a NUL before its end, ENAMETOOLONG.
 */
export function cleanPath(path: Span, to: Mem): number {
  const { buf, off } = path;
  const out = to.u8;
  // QEMU counts the NUL that ends its own strings in some of its paths (V9fsPath) and not in others.
  const len = path.len > 0 && buf[off + path.len - 1] === 0 ? path.len - 1 : path.len;
  if (len === 0) return -ENOENT;
  const stop = off + len;
  let end = 0;
  let last = 0;
  for (let i = off; i < stop; ) {
    if (buf[i] === SLASH) {
      i++;
      continue;
    }
    const start = end === 0 ? 0 : end + 1;
    let at = start;
    for (; i < stop; i++) {
      const c = buf[i] as number;
      if (c === SLASH) break;
      if (c === 0) return -EINVAL;
      if (at - start === NAME_MAX || at >= PATH_MAX - 1) return -ENAMETOOLONG;
      out[at++] = c;
    }
    if (out[start] === DOT) {
      if (at - start === 1) continue;
      if (at - start === 2 && out[start + 1] === DOT) {
        end = last === 0 ? 0 : last - 1;
        last = end;
        while (last > 0 && out[last - 1] !== SLASH) last--;
        continue;
      }
    }
    if (start > 0) out[end] = SLASH;
    end = at;
    last = start;
  }
  if (end === 0) out[end++] = DOT;
  out[end] = 0;
  return last;
}

/** Copies a string that is no path (a link's target, an attribute's name) NUL-terminated into `to`; 0 or -errno. */
export function plainString(text: Span, to: Mem, longest: number): number {
  if (text.len === 0) return -ENOENT;
  if (text.len > longest) return -ENAMETOOLONG;
  const { buf, off, len } = text;
  for (let i = off; i < off + len; i++) if (buf[i] === 0) return -EINVAL;
  return text.cstringInto(to) ? 0 : -ENAMETOOLONG;
}
