// SPDX-License-Identifier: MIT

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import {
  FORBIDDEN,
  FRONT,
  LONG_FILES,
  MAX_LINES,
  NOBODY_IMPORTS,
  ONLY_IN,
  ROOMS,
  type Room,
  SOURCE,
  TEXT_ROOTS,
} from './rules.ts';

/** Walks the tree at `top` and returns one line per breach: `file:line: what`. */
export function checkHouse(top: string): string[] {
  const found: string[] = [];
  for (const root of TEXT_ROOTS)
    for (const file of walk(join(top, root))) checkFile(top, relative(top, file), found);
  return found;
}

function checkFile(top: string, file: string, found: string[]): void {
  const text = readFileSync(join(top, file), 'utf8');
  const lines = text.split('\n');
  for (const [i, line] of lines.entries())
    for (const { what, pattern } of FORBIDDEN) {
      const hit = pattern.exec(line);
      if (hit) found.push(`${file}:${i + 1}: ${what}: ${hit[0]}`);
    }
  if (!isSource(file, lines[0])) return;
  const first = lines[0]?.startsWith('#!') ? lines[1] : lines[0];
  if (!/^(?:\/\/|#) SPDX-License-Identifier: MIT$/.test(first ?? ''))
    found.push(`${file}:1: the first line is no SPDX-License-Identifier: MIT`);
  const count = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  if (count > MAX_LINES && LONG_FILES[file] === undefined)
    found.push(`${file}:${count}: over ${MAX_LINES} lines and not listed with a reason`);
  for (const { line, from } of importsOf(text)) {
    const breach = judge(file, from);
    if (breach !== undefined) found.push(`${file}:${line}: ${breach}`);
  }
}

function isSource(file: string, firstLine: string | undefined): boolean {
  return SOURCE.test(file) || (firstLine?.startsWith('#!') ?? false);
}

/** Why `file` may not import `from`; undefined when it may. */
function judge(file: string, from: string): string | undefined {
  const inSrc = file.startsWith('src/');
  const roomName = roomOf(file);
  const room: Room | undefined = roomName === '' ? FRONT : ROOMS[roomName];
  if (inSrc && room === undefined) return `${roomName} is no room of the house; add it to the table first`;

  if (from.startsWith('.')) {
    const to = normalize(join(dirname(file), from));
    const toRoom = roomOf(to);
    if (NOBODY_IMPORTS.includes(toRoom) && toRoom !== roomName && inSrc) return `nothing imports ${toRoom}/`;
    if (!inSrc || isTest(file)) return undefined;
    if (!to.startsWith('src/')) return `a source may not import ${to}, which is outside src/`;
    if (isTest(to)) return `a source may not import the test ${to}`;
    if (toRoom === roomName || room === undefined || room.rooms === 'all') return undefined;
    if (toRoom === '') return `${roomName}/ may not import the front ${to}`;
    return room.rooms.includes(toRoom) ? undefined : `${roomName || 'the front'} may not import ${toRoom}/`;
  }

  const name = packageOf(from);
  const only = ONLY_IN[name];
  if (only !== undefined && roomName !== only) return `only ${only}/ may import ${name}`;
  if (!inSrc || isTest(file) || room === undefined) return undefined;
  if (from.startsWith('node:'))
    return room.node ? undefined : `${roomName}/ is pure and may not import ${from}`;
  return room.packages.includes(name)
    ? undefined
    : `${roomName || 'the front'} may not import the package ${name}`;
}

/** The room of a file in src/, empty for the front and for what is elsewhere. The rooms of `ui/` lie one deeper. */
function roomOf(file: string): string {
  const [src, first = '', second = '', ...more] = file.split('/');
  if (src !== 'src' || second === '') return '';
  return first === 'ui' && more.length > 0 ? `ui/${second}` : first;
}

function isTest(file: string): boolean {
  return /\.test\.[mc]?[jt]s$/.test(file);
}

function packageOf(from: string): string {
  const parts = from.split('/');
  return from.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] as string);
}

/** Every module that a text names: import, export … from, import(), require() and import types; not inside comments or other strings. */
export function importsOf(text: string): { line: number; from: string }[] {
  const out: { line: number; from: string }[] = [];
  // Strings and comments, whichever begins first; a string counts when the code just before it says import.
  const tokens = /(['"`])((?:\\.|(?!\1)[^\\\n])*)\1|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
  let before = '';
  let from = 0;
  for (const m of text.matchAll(tokens)) {
    before = (before + text.slice(from, m.index)).slice(-40);
    from = m.index + m[0].length;
    if (m[2] === undefined) continue;
    if (/\b(?:from|import|import\s*\(|require\s*\()\s*$/.test(before))
      out.push({ line: text.slice(0, m.index).split('\n').length, from: m[2] });
    before = '';
  }
  return out;
}

function* walk(path: string): Generator<string> {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory()) {
    yield path;
    return;
  }
  for (const e of readdirSync(path, { withFileTypes: true })) {
    if (e.name === 'node_modules') continue;
    if (e.isDirectory()) yield* walk(join(path, e.name));
    else if (e.isFile()) yield join(path, e.name);
  }
}
