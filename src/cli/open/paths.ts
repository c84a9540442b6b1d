// SPDX-License-Identifier: MIT
// Paths as bytes: a name need not be UTF-8.

import type { PathArgument } from '../copy/raw-paths.ts';

const SLASH = 0x2f;

export const bytesOf = (path: PathArgument): Buffer =>
  typeof path === 'string' ? Buffer.from(path) : Buffer.from(path);

/** For a message. */
export const textOf = (path: PathArgument): string => bytesOf(path).toString();

/** The last component, without slashes behind it. */
export function nameOf(path: PathArgument): Buffer {
  const bytes = bytesOf(path);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === SLASH) end--;
  const whole = bytes.subarray(0, end);
  return whole.subarray(whole.lastIndexOf(SLASH) + 1);
}

/** `name` in the folder of `path`, an absolute one. */
export const besideOf = (path: Buffer, name: Buffer): Buffer =>
  Buffer.concat([path.subarray(0, path.lastIndexOf(SLASH) + 1), name]);

/** The folder of an absolute path. */
export const folderOf = (path: Buffer): Buffer => path.subarray(0, Math.max(1, path.lastIndexOf(SLASH)));

/** At the most so many bytes of a name, and no character of UTF-8 in part: some file systems take no such names. */
export function cutName(name: Buffer, max: number): Buffer {
  if (name.length <= max) return name;
  let end = max;
  while (end > max - 3 && end > 0 && ((name[end] ?? 0) & 0xc0) === 0x80) end--;
  return name.subarray(0, end);
}
