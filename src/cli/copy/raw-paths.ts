// SPDX-License-Identifier: MIT

import { readFileSync } from 'node:fs';

/** A path as a person named it: text, or its very bytes where they are no UTF-8. */
export type PathArgument = string | Uint8Array;

/** What Node puts in the place of bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';
const SLASH = 0x2f;

/**
 * Gives arguments back their bytes, which Node has made text of: a name in Latin 1 that a shell's `*` has found can be sent too. What is bytes already stays. `cmdline`: this
 * process's own (proc(5)).
 */
export function rawPaths(
  paths: readonly PathArgument[],
  cmdline = (): Uint8Array => readFileSync('/proc/self/cmdline'),
): PathArgument[] {
  const broken = (path: PathArgument): path is string =>
    typeof path === 'string' && path.includes(REPLACEMENT);
  if (!paths.some(broken)) return [...paths];
  // Two names may look alike once they are text; each argument is one of them.
  const given = new Map<string, Buffer[]>();
  for (const argument of argumentsOf(Buffer.from(cmdline()))) {
    const bytes = withoutSlashes(argument);
    const text = bytes.toString();
    if (broken(text)) given.set(text, [...(given.get(text) ?? []), bytes]);
  }
  return paths.map((path) => {
    if (!broken(path)) return path;
    const bytes = given.get(path.replace(/\/+$/, ''))?.shift();
    return bytes === undefined || bytes.equals(Buffer.from(path)) ? path : bytes;
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

/**
 * The arguments by which `qfile-agent` is told of paths: Node can hand no bytes that are no UTF-8 to a program either. Only those are spelled in hexadecimal, which is twice as long,
 * and beside them what could be taken for an option: there is a limit to what a command line holds.
 */
export function agentPaths(paths: readonly PathArgument[]): string[] {
  if (paths.every((path) => typeof path === 'string')) return ['--', ...paths];
  return paths.map((path) =>
    typeof path === 'string' && !path.startsWith('-') ? path : `${HEX}${Buffer.from(path).toString('hex')}`,
  );
}

/** The path of such an argument; undefined for any other. */
export function pathOfHex(argument: string): Uint8Array | undefined {
  const hex = argument.startsWith(HEX) ? argument.slice(HEX.length) : '';
  return /^(?:[0-9a-f]{2})+$/.test(hex) ? Buffer.from(hex, 'hex') : undefined;
}
