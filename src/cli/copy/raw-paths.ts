// SPDX-License-Identifier: MIT

import { readFileSync } from 'node:fs';

/** A path as a person named it: text, or its very bytes where they are no UTF-8. */
export type PathArgument = string | Uint8Array;

/** What Node puts in the place of bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';
const SLASH = 0x2f;

/**
 * Gives arguments back their bytes, which Node has made text of: a name in Latin 1 that a shell's `*` has found can be sent too. `cmdline`: this process's own
 * (proc(5)).
 */
export function rawPaths(
  texts: readonly string[],
  cmdline = (): Uint8Array => readFileSync('/proc/self/cmdline'),
): PathArgument[] {
  if (!texts.some((text) => text.includes(REPLACEMENT))) return [...texts];
  const given = argumentsOf(Buffer.from(cmdline()));
  return texts.map((text) => {
    if (!text.includes(REPLACEMENT)) return text;
    // Two names may look alike once they are text; each argument is one of them.
    const at = given.findIndex((bytes) => withoutSlashes(bytes).toString() === text.replace(/\/+$/, ''));
    const [bytes] = at < 0 ? [] : given.splice(at, 1);
    return bytes === undefined || bytes.equals(Buffer.from(text)) ? text : withoutSlashes(bytes);
  });
}

function argumentsOf(cmdline: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let from = 0; from < cmdline.length; ) {
    const nul = cmdline.indexOf(0, from);
    const end = nul < 0 ? cmdline.length : nul;
    found.push(cmdline.subarray(from, end));
    from = end + 1;
  }
  return found;
}

function withoutSlashes(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 1 && bytes[end - 1] === SLASH) end--;
  return bytes.subarray(0, end);
}

const HEX = '--path-hex=';

/** The arguments by which `qfile-agent` is told of paths: Node can hand no bytes that are no UTF-8 to a program either. */
export function agentPaths(paths: readonly PathArgument[]): string[] {
  if (paths.every((path) => typeof path === 'string')) return ['--', ...(paths as readonly string[])];
  return paths.map((path) => `${HEX}${Buffer.from(path as string).toString('hex')}`);
}

/** The path of such an argument; undefined for any other. */
export function pathOfHex(argument: string): Uint8Array | undefined {
  const hex = argument.startsWith(HEX) ? argument.slice(HEX.length) : '';
  return /^(?:[0-9a-f]{2})+$/.test(hex) ? Buffer.from(hex, 'hex') : undefined;
}
