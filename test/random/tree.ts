// SPDX-License-Identifier: MIT

import * as fs from 'node:fs';
import { openSys } from '../../src/linux/index.ts';
import { Kernel } from '../conformance/kernel.ts';
import { content, digest, told } from './world.ts';

/**
 * Everything below `root`, one line each, sorted: name, attributes, content, target, extended attributes, and which names are of one file.
 */
export function wholeTree(root: Buffer): string[] {
  const k = new Kernel(openSys());
  const lines: string[] = [];
  const first = new Map<bigint, string>();
  const visit = (path: Buffer, name: string): void => {
    const s = fs.lstatSync(path, { bigint: true });
    const parts = [JSON.stringify(name), told(s)];
    if (s.isSymbolicLink())
      parts.push(`-> ${JSON.stringify(fs.readlinkSync(path, 'buffer').toString('latin1'))}`);
    if (!s.isDirectory() && s.nlink > 1n) {
      const same = first.get(s.ino);
      if (same === undefined) first.set(s.ino, name);
      else parts.push(`is ${JSON.stringify(same)}`);
    }
    if (s.isFile()) parts.push(content(path));
    if (s.isFile() || s.isDirectory())
      for (const attribute of k.listxattr(path).sort())
        if (attribute.startsWith('user.'))
          parts.push(
            `${JSON.stringify(attribute)}=${digest(k.getxattr(path, Buffer.from(attribute, 'latin1')))}`,
          );
    lines.push(parts.join(' '));
    if (!s.isDirectory()) return;
    const names = fs.readdirSync(path, { encoding: 'buffer' });
    for (const n of names.sort(Buffer.compare))
      visit(Buffer.concat([path, Buffer.from('/'), n]), `${name}/${n.toString('latin1')}`);
  };
  visit(root, '');
  return lines;
}

/** The first lines in which two trees differ, or undefined. */
export function difference(wanted: readonly string[], got: readonly string[]): string | undefined {
  if (wanted.length === got.length && wanted.every((line, i) => line === got[i])) return undefined;
  const [a, b] = [new Set(wanted), new Set(got)];
  const lines = [
    ...wanted.filter((l) => !b.has(l)).map((l) => `local: ${l}`),
    ...got.filter((l) => !a.has(l)).map((l) => `there: ${l}`),
  ];
  return lines.slice(0, 8).join('\n');
}
