// SPDX-License-Identifier: MIT

/**
 * Which characters a name may have so that it can be shown to a person: Latin, Greek, Cyrillic, Chinese, Japanese, Korean and Braille letters,
 * digits, punctuation, mathematical and currency signs, all written from left to right. Control characters, invisible ones,
 * combining marks, emoji and scripts that run from the right are not among them.
 *
 * Source: qubes-linux-utils 4.3, unicode-generator.c: general category L, N, P, Sm or Sc; bidirectional class L, EN, ES, ET, CS, ON or WS; one of
 * the scripts; in the Unicode version of the original's table. The last two are what LEFT_OUT takes away.
 */
const CATEGORY = /^[\p{L}\p{N}\p{P}\p{Sm}\p{Sc}]$/u;
const SCRIPT =
  /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Braille}\p{Script=Common}\p{Script=Inherited}]$/u;

/** First and last code point of each run. */
const LEFT_OUT: readonly (readonly [number, number])[] = [
  // Written from the right.
  [0x61b, 0x61b],
  [0x61f, 0x61f],
  [0x640, 0x640],
  [0x1ec71, 0x1ecab],
  [0x1ecad, 0x1ecb4],
  [0x1ed01, 0x1ed2d],
  [0x1ed2f, 0x1ed3d],
  // Younger than the table: a receiver with the original's would refuse them.
  [0x1c89, 0x1c8a],
  [0x20c1, 0x20c1],
  [0xa7cb, 0xa7cf],
  [0xa7d2, 0xa7d2],
  [0xa7d4, 0xa7d4],
  [0xa7da, 0xa7dc],
  [0xa7f1, 0xa7f1],
  [0x16ff2, 0x16ff6],
  [0x1ccf0, 0x1ccf9],
  [0x1cef0, 0x1cef0],
  [0x1f8d0, 0x1f8d8],
  [0x2b73a, 0x2b73f],
  [0x2cea2, 0x2cead],
  [0x2ebf0, 0x2ee5d],
  [0x323b0, 0x33479],
];

/** Verdicts already given, two bits a code point: 0 unknown, 1 allowed, 2 not. Planes beyond are asked for each time. */
const known = new Uint8Array(0x10000);

/** Whether a name may hold this code point (0 … 0x10FFFF, no surrogate). */
export function allowedCodePoint(c: number): boolean {
  if (c < 0x80) return c >= 0x20 && c <= 0x7e;
  if (c >= 0x10000) return look(c);
  const before = known[c];
  if (before !== 0) return before === 1;
  const verdict = look(c);
  known[c] = verdict ? 1 : 2;
  return verdict;
}

function look(c: number): boolean {
  for (const [first, last] of LEFT_OUT) if (c >= first && c <= last) return false;
  const text = String.fromCodePoint(c);
  return CATEGORY.test(text) && SCRIPT.test(text);
}

/** What `utf8At` found last: the code point, and how many bytes it takes. */
export const decoded = { codePoint: 0, length: 0 };

/**
 * Decodes one code point at `i`; false for what is no well-formed UTF-8 there (RFC 3629: no overlong form, no surrogate, nothing above
 * 10FFFF), with `decoded.length` 1.
 */
export function utf8At(bytes: Uint8Array, i: number, end: number): boolean {
  const lead = bytes[i] as number;
  decoded.length = 1;
  decoded.codePoint = lead;
  if (lead < 0x80) return true;
  const more =
    lead >= 0xc2 && lead <= 0xdf ? 1 : (lead & 0xf0) === 0xe0 ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
  if (more === 0 || i + more >= end) return false;
  let c = lead & (0x3f >> more);
  for (let k = 1; k <= more; k++) {
    const b = bytes[i + k] as number;
    if ((b & 0xc0) !== 0x80) return false;
    c = (c << 6) | (b & 0x3f);
  }
  if ((more === 2 && c < 0x800) || (more === 3 && c < 0x10000) || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
    return false;
  decoded.codePoint = c;
  decoded.length = more + 1;
  return true;
}

/** The first byte of `bytes[from … to)` that begins something a name may not hold, or -1. */
export function firstForbidden(bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; ) {
    const b = bytes[i] as number;
    if (b >= 0x20 && b <= 0x7e) {
      i++;
      continue;
    }
    if (b < 0x80 || !utf8At(bytes, i, to) || !allowedCodePoint(decoded.codePoint)) return i;
    i += decoded.length;
  }
  return -1;
}
