// SPDX-License-Identifier: MIT

import { EILSEQ, ENOLINK } from '../base/errno.ts';
import { firstForbidden } from './characters.ts';

/**
 * Which names and link targets a receiver takes, byte by byte, as the original's `qubes_pure_validate_file_name` and
 * `qubes_pure_validate_symbolic_link_v2` judge them (qubes-linux-utils 4.3, qrexec-lib/unicode.c).
 */
export interface PathRules {
  /** Any byte but NUL and `/` in a component: no check of characters or UTF-8. */
  readonly unsafeCharacters: boolean;
  /** Targets may be empty or hold `//` and `.`. The original unpacker's default. */
  readonly nonCanonicalSymlinks: boolean;
  /** Targets are not judged at all: they may lead anywhere. */
  readonly unsafeSymlinks: boolean;
}

/** qfile-unpacker's own. */
export const UNPACKER_RULES: PathRules = {
  unsafeCharacters: false,
  nonCanonicalSymlinks: true,
  unsafeSymlinks: false,
};

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * The number of components of a name, or -EILSEQ: it is empty, begins or ends with `/`, has an empty component, `.` or `..`, a NUL, or a character
 * that is not allowed.
 */
export function checkName(bytes: Uint8Array, from: number, to: number, rules: PathRules): number {
  let depth = 0;
  for (let i = from; ; ) {
    const end = componentEnd(bytes, i, to);
    if (end === i || dots(bytes, i, end) > 0) return -EILSEQ;
    if (badCharacters(bytes, i, end, rules)) return -EILSEQ;
    depth++;
    if (end === to) return depth;
    i = end + 1;
  }
}

/**
 * 0, or -EILSEQ or -ENOLINK. `depth`: the number of components of the link's own name; a link at the top is never taken, and `..` may stand only at
 * the beginning and less often than there are folders above the link inside of the top one. So a link stays within the top-level folder that it came with.
 */
export function checkTarget(
  bytes: Uint8Array,
  from: number,
  to: number,
  depth: number,
  rules: PathRules,
): number {
  if (rules.unsafeSymlinks) return bytes.subarray(from, to).includes(0) ? -EILSEQ : 0;
  if (depth < 2) return -ENOLINK;
  if (from === to) return rules.nonCanonicalSymlinks ? 0 : -EILSEQ;
  if (bytes[from] === SLASH) return -ENOLINK;
  let up = 0;
  let down = false;
  for (let i = from; i < to; ) {
    const end = componentEnd(bytes, i, to);
    const points = dots(bytes, i, end);
    if (points === 2) {
      if (down || ++up > depth - 2) return -ENOLINK;
    } else if (end === i || points === 1) {
      if (!rules.nonCanonicalSymlinks) return -EILSEQ;
    } else {
      if (badCharacters(bytes, i, end, rules)) return -EILSEQ;
      down = true;
    }
    // A slash at the end is allowed.
    i = end + 1;
  }
  return 0;
}

/** Of `.` 1, of `..` 2, of anything else 0. */
function dots(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  if (length === 0 || length > 2 || bytes[from] !== DOT) return 0;
  return length === 1 ? 1 : bytes[from + 1] === DOT ? 2 : 0;
}

function componentEnd(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && bytes[i] !== SLASH) i++;
  return i;
}

function badCharacters(bytes: Uint8Array, from: number, to: number, rules: PathRules): boolean {
  if (!rules.unsafeCharacters) return firstForbidden(bytes, from, to) >= 0;
  for (let i = from; i < to; i++) if (bytes[i] === 0) return true;
  return false;
}
