// SPDX-License-Identifier: MIT

import type { TreeFile, TreeFolder, TreeObject } from './p9-server/tree.ts';

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/**
 * A JSON document as a read-only tree, and the shortest example of `TreeFolder`: objects and arrays are folders (arrays by index), strings are files with just their
 * bytes, other values are files with their JSON text and a newline. A member whose name cannot be a file name (empty, `.`, `..`, with `/` or NUL, over 255 bytes) is not shown.
 */
export function treeOfJson(
  document: { readonly [name: string]: JsonValue } | readonly JsonValue[],
): TreeFolder {
  return folder(document);
}

function folder(value: object): TreeFolder {
  const members = new Map<string, TreeObject>();
  for (const [name, member] of Object.entries(value))
    if (isName(name)) members.set(name, tree(member as JsonValue));
  return { kind: 'folder', names: () => members.keys(), get: (name) => members.get(name) };
}

function tree(value: JsonValue): TreeObject {
  if (value !== null && typeof value === 'object') return folder(value);
  return file(typeof value === 'string' ? value : `${JSON.stringify(value)}\n`);
}

function file(text: string): TreeFile {
  const bytes = new TextEncoder().encode(text);
  return {
    kind: 'file',
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}

function isName(name: string): boolean {
  return (
    name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name) && Buffer.byteLength(name) <= 255
  );
}
