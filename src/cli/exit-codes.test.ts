// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TOP } from '../../test/helpers/places.ts';
import { EXIT } from '../base/error.ts';

const page = readFileSync(join(TOP, 'docs/EXIT-CODES.md'), 'utf8');
const row = /^\| ([A-Z0-9_]{4,}) \| ([0-9, ]+) \|/gm;

/** Capitals in quotes that are no error codes: capabilities, protocol constants. */
const OTHERS =
  /^(?:CAP_|DAC_|LC_ALL|MKNOD|SETGID|SETUID|FSETID|FOWNER|CHOWN|NINEFOLD|UV_|LD_|NODE_|E[A-Z0-9]+$|SIG|AUTO)/;

function sources(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
    const path = join(dir, e.name);
    if (e.isDirectory()) return sources(path);
    return e.name.endsWith('.ts') && !e.name.includes('.test.') ? [path] : [];
  });
}

/** Every error code that the sources name: `code: 'X'`, and capitals with an underscore handed on to a function that makes the error. */
function codesInSources(): Set<string> {
  const found = new Set<string>();
  for (const file of sources(join(TOP, 'src'))) {
    const text = readFileSync(file, 'utf8');
    if (!text.includes('NinefoldError') && !text.includes('usageError')) continue;
    for (const m of text.matchAll(
      /'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'|\bcode: '([A-Z][A-Z0-9_]+)'|usageError\(\s*'([A-Z_]+)'/g,
    )) {
      const code = m[1] ?? m[2] ?? m[3] ?? '';
      if (!OTHERS.test(code)) found.add(code);
    }
  }
  return found;
}

test('every error code is on the page, and every code on the page exists', () => {
  const documented = [...page.matchAll(row)].map((m) => m[1] ?? '');
  assert.deepEqual(documented.toSorted(), [...new Set(documented)].toSorted(), 'each once');
  assert.deepEqual([...codesInSources()].toSorted(), documented.toSorted());
});

test('every exit code is on the page under its name, and no other', () => {
  const listed = [...page.matchAll(/^\| ([0-9]+) \| ([a-zA-Z]+) \|/gm)].map((m) => [m[2], Number(m[1])]);
  assert.deepEqual(Object.fromEntries(listed), { ...EXIT });
  const known = new Set<number>(Object.values(EXIT));
  for (const [, code, exits] of page.matchAll(row))
    for (const exit of (exits ?? '').split(',')) assert.ok(known.has(Number(exit)), `${code}: ${exit}`);
});
