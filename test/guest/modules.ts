// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface Module {
  name: string;
  content: Buffer;
}

/**
 * The kernel modules `wanted` below `folder` and all that they depend on, in an order in which insmod(8) can load them. A name without a
 * file is taken as built in, or as the business of another kernel version (fscache became a part of netfs in 6.8). Contents are uncompressed.
 */
export function modulesInOrder(folder: string, wanted: readonly string[]): Module[] {
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (/\.ko(\.xz)?$/.test(entry.name)) files.set(plain(entry.name), join(entry.parentPath, entry.name));
  const order = new Map<string, Module>();
  const visit = (name: string): void => {
    const file = files.get(name);
    if (file === undefined || order.has(name)) return;
    files.delete(name);
    const content = read(file);
    for (const other of dependencies(content)) visit(plain(other));
    order.set(name, { name, content });
  };
  for (const name of wanted) visit(plain(name));
  return [...order.values()];
}

/** What a module says of itself in its section .modinfo: `depends=a,b`, and `softdep=pre: c` for what it asks for by another way. */
export function dependencies(content: Buffer): string[] {
  const strings = (key: string): string[] => {
    const found: string[] = [];
    const mark = `\0${key}=`;
    for (let at = content.indexOf(mark); at >= 0; at = content.indexOf(mark, at + 1)) {
      const begin = at + mark.length;
      found.push(content.toString('latin1', begin, content.indexOf(0, begin)));
    }
    return found;
  };
  const hard = strings('depends').flatMap((s) => s.split(','));
  const soft = strings('softdep').flatMap((s) => (/pre:(.*?)(post:|$)/.exec(s)?.[1] ?? '').split(' '));
  return [...soft, ...hard].filter((s) => s !== '');
}

/** File and module names differ in `-` and `_`. */
function plain(name: string): string {
  return basename(name)
    .replace(/\.ko(\.xz)?$/, '')
    .replaceAll('-', '_');
}

function read(file: string): Buffer {
  if (!file.endsWith('.xz')) return readFileSync(file);
  const done = spawnSync('xz', ['-dc', file], { maxBuffer: 64 << 20 });
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`xz cannot read ${file}`);
  return done.stdout;
}
