// SPDX-License-Identifier: MIT

import { bad, good, type Parsed } from './parsed.ts';

/** PATH_MAX less the closing NUL, and NAME_MAX of limits.h; bytes of UTF-8. */
export const FOLDER_BYTES_MAX = 4095;
export const COMPONENT_BYTES_MAX = 255;

/** Controls, formats (bidirectional, zero-width), halves of pairs, private and unassigned characters, line separators, whatever is not drawn. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
/** Blanks that look like the one of the keyboard, and are not. */
const BLANKS = /[\p{Zs}]/u;
/** Characters drawn like a slash, full stop or backslash: a part of a name that reads as a way through folders. */
const SLASHES =
  /[\u2044\u2215\u29f8\u29f5\u2571\u3033\uff0f\ufe68\uff3c\u2024\uff0e\u3002\ufe52\u1735\u2cc6]/u;
/** Alphabets with letters that look like those of another. */
const ALPHABETS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Latin', /\p{Script=Latin}/u],
  ['Greek', /\p{Script=Greek}/u],
  ['Cyrillic', /\p{Script=Cyrillic}/u],
  ['Armenian', /\p{Script=Armenian}/u],
  ['Cherokee', /\p{Script=Cherokee}/u],
  ['Georgian', /\p{Script=Georgian}/u],
  ['Coptic', /\p{Script=Coptic}/u],
  ['Lisu', /\p{Script=Lisu}/u],
];

/**
 * A folder as grants know it: absolute, in its one canonical spelling (no `.`, `..`, `//` or slash at the end), at most 4,095 bytes, and readable: what
 * cannot be told from another path by eye is no path here. It is compared byte by byte and never normalized, so that nothing but what was shown is granted.
 */
export function parseFolder(text: string): Parsed<string> {
  if (text === '') return bad('the path is empty');
  if (!text.startsWith('/')) return bad('the path is not absolute');
  if (!isWellFormed(text)) return bad('the path is not UTF-8');
  const bytes = new TextEncoder();
  if (bytes.encode(text).length > FOLDER_BYTES_MAX)
    return bad(`the path has more than ${FOLDER_BYTES_MAX} bytes`);
  if (text === '/') return good(text);
  for (const part of text.slice(1).split('/')) {
    const why = badComponent(part, bytes);
    if (why !== undefined) return bad(why);
  }
  return good(text);
}

function badComponent(part: string, bytes: { encode(text: string): Uint8Array }): string | undefined {
  if (part === '') return 'the path has an empty part: two slashes, or one at its end';
  if (part === '.' || part === '..') return `the path has a part "${part}"`;
  if (bytes.encode(part).length > COMPONENT_BYTES_MAX)
    return `a part of the path has more than ${COMPONENT_BYTES_MAX} bytes`;
  if (UNSEEN.test(part)) return 'the path has a character that is not shown';
  if (BLANKS.test(part.replaceAll(' ', ''))) return 'the path has a blank that is not the ordinary one';
  if (SLASHES.test(part)) return 'the path has a character that looks like a slash or a full stop';
  for (const word of part.split(/[^\p{L}\p{M}]+/u)) {
    const used = alphabetsOf(word);
    if (used.length > 1) return `the path has a word that mixes ${used.join(' and ')} letters`;
  }
  return undefined;
}

/** Which of the alphabets with look-alikes a text uses. */
export function alphabetsOf(text: string): string[] {
  return ALPHABETS.filter(([, pattern]) => pattern.test(text)).map(([name]) => name);
}

/** Is `inner` the folder `outer` or below it? Both canonical. */
export function contains(outer: string, inner: string): boolean {
  return inner === outer || outer === '/' || inner.startsWith(`${outer}/`);
}

/** The folder itself and all above it, the deepest first, `/` last. */
export function* upwards(folder: string): Generator<string> {
  for (let at = folder; at !== '/' && at !== ''; at = at.slice(0, at.lastIndexOf('/'))) yield at;
  yield '/';
}

/** No half of a surrogate pair: such a string has no UTF-8. */
function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text);
}
