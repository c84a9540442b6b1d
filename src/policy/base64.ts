// SPDX-License-Identifier: MIT

import { bad, good, type Parsed } from './parsed.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** RFC 4648 section 4, strictly: padded, no other character, unused bits zero. So one text has one encoding. */
export function decodeBase64(text: string): Parsed<Uint8Array> {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}(?![\s\S])/.test(text)) return bad('it is no base64');
  const body = text.replace(/=+$/, '');
  const out = new Uint8Array(Math.floor((body.length * 3) / 4));
  let bits = 0;
  let have = 0;
  let at = 0;
  for (const c of body) {
    bits = ((bits << 6) | ALPHABET.indexOf(c)) & 0xffff;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out[at++] = (bits >> have) & 0xff;
  }
  return (bits & ((1 << have) - 1)) === 0 ? good(out) : bad('it is no base64 (bits are left over)');
}

export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b, c] = bytes.subarray(i, i + 3);
    const n = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    for (let j = 0; j < 4; j++)
      text +=
        (j === 2 && b === undefined) || (j === 3 && c === undefined)
          ? '='
          : ALPHABET.charAt((n >> (18 - 6 * j)) & 63);
  }
  return text;
}

/** UTF-8 text in base64. */
export function decodeText(text: string): Parsed<string> {
  const bytes = decodeBase64(text);
  if (!bytes.ok) return bytes;
  try {
    return good(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.value));
  } catch {
    return bad('it is no UTF-8');
  }
}

export const encodeText = (text: string): string => encodeBase64(new TextEncoder().encode(text));
