// SPDX-License-Identifier: MIT

import { decodeText, encodeText } from './base64.ts';
import { parseFolder } from './folder.ts';
import { parseName } from './name.ts';
import { bad, good, type Parsed } from './parsed.ts';
import type { Access } from './rule.ts';

/** The most that `ruddo.AuthorizeFolderAccess` reads, as the original does: ⌊4096 · 1.3⌋ + 64. */
export const AUTHORIZE_MAX = 5388;
/** The longest line that `ruddo.ConnectToFolder` reads. */
export const FOLDER_LINE_MAX = 6000;

/** The third line, which the original does not look at: what a client of ours wants to say and to know. */
const EXTENDED = 'ninefold-1';

/** What a client asks `ruddo.AuthorizeFolderAccess`. */
export interface Ask {
  readonly target: string;
  readonly folder: string;
  readonly access: Access;
  /** The client understands an answer of more than a fingerprint. */
  readonly extended: boolean;
}

/** `base64(target) LF base64(folder) LF`, and from our clients `ninefold-1 ro LF` or `ninefold-1 rw LF`, which the original leaves unread. */
export function formatAsk(ask: Omit<Ask, 'extended'>): string {
  return `${encodeText(ask.target)}\n${encodeText(ask.folder)}\n${EXTENDED} ${ask.access}\n`;
}

/** Strict where the original is lenient: an alphabet, a length or a path that could be meant otherwise is refused. */
export function parseAsk(bytes: Uint8Array): Parsed<Ask> {
  if (bytes.length > AUTHORIZE_MAX) return bad(`the request has more than ${AUTHORIZE_MAX} bytes`);
  if (bytes.some((b) => b > 126)) return bad('the request has characters outside of ASCII');
  const lines = new TextDecoder().decode(bytes).split('\n');
  if (lines.at(-1) === '') lines.pop();
  const [first, second, third, ...more] = lines;
  if (first === undefined || second === undefined) return bad('a line is missing');
  if (more.length > 0) return bad('there are too many lines');
  const target = decode('the name', first, parseName);
  if (!target.ok) return target;
  const folder = decode('the path', second, parseFolder);
  if (!folder.ok) return folder;
  if (third === undefined)
    return good({ target: target.value, folder: folder.value, access: 'rw', extended: false });
  const access = third === `${EXTENDED} ro` ? 'ro' : third === `${EXTENDED} rw` ? 'rw' : undefined;
  if (access === undefined) return bad('the third line makes no sense');
  return good({ target: target.value, folder: folder.value, access, extended: true });
}

/** `base64(folder)`, with or without a newline: what `ruddo.ConnectToFolder` and `ruddo.QueryFolderAuthorization` are given. */
export function parseFolderLine(bytes: Uint8Array): Parsed<string> {
  if (bytes.length > FOLDER_LINE_MAX) return bad(`the request has more than ${FOLDER_LINE_MAX} bytes`);
  if (bytes.some((b) => b > 126)) return bad('the request has characters outside of ASCII');
  const line = new TextDecoder().decode(bytes).replace(/\n$/, '');
  return decode('the path', line, parseFolder);
}

export const formatFolderLine = (folder: string): string => `${encodeText(folder)}\n`;

function decode(what: string, text: string, parse: (text: string) => Parsed<string>): Parsed<string> {
  if (text === '') return bad(`${what} is missing`);
  const decoded = decodeText(text);
  return decoded.ok ? parse(decoded.value) : bad(`${what}: ${decoded.why}`);
}
