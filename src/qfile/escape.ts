// SPDX-License-Identifier: MIT

import { decoded, firstForbidden, utf8At } from './characters.ts';

/**
 * A way to write any name with allowed characters that can be undone: each byte of what is not allowed becomes `%` and two hexadecimal digits. So that
 * nothing is ambiguous, a `%` that two such digits follow anyway is written as `%25`. Names without either stay as they are.
 */
const PERCENT = 0x25;

const isHex = (b: number | undefined): boolean =>
  b !== undefined && ((b >= 0x30 && b <= 0x39) || (b >= 0x41 && b <= 0x46));

const looksEscaped = (bytes: Uint8Array, i: number): boolean =>
  bytes[i] === PERCENT && isHex(bytes[i + 1]) && isHex(bytes[i + 2]);

/** One component of a name; the same object when there is nothing to do. */
export function escapeName(name: Uint8Array): Uint8Array {
  const out: number[] = [];
  let changed = false;
  const put = (b: number): void => {
    changed = true;
    out.push(PERCENT, hex(b >> 4), hex(b & 15));
  };
  for (let i = 0; i < name.length; ) {
    utf8At(name, i, name.length);
    const length = decoded.length;
    const bad = firstForbidden(name, i, i + length) >= 0 || looksEscaped(name, i);
    for (const b of name.subarray(i, i + length)) {
      if (bad) put(b);
      else out.push(b);
    }
    i += length;
  }
  return changed ? Uint8Array.from(out) : name;
}

/** A whole path, or a link's target: each component by itself. The same object when there is nothing to do. */
export function escapePath(path: Uint8Array): Uint8Array {
  // A slash is allowed and never part of an escape, so that the components need not be taken apart.
  return escapeName(path);
}

/** The inverse of `escapeName`; the same object when nothing was escaped. What comes out may be no name at all (`/`, NUL): check it. */
export function unescapeName(name: Uint8Array): Uint8Array {
  const out: number[] = [];
  let changed = false;
  for (let i = 0; i < name.length; ) {
    if (looksEscaped(name, i)) {
      out.push(Number.parseInt(String.fromCharCode(name[i + 1] as number, name[i + 2] as number), 16));
      changed = true;
      i += 3;
    } else out.push(name[i++] as number);
  }
  return changed ? Uint8Array.from(out) : name;
}

const hex = (n: number): number => (n < 10 ? 0x30 + n : 0x41 + n - 10);
