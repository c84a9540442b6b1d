// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readPage } from './audit-pages.ts';

function logIn(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-log-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return join(dir, 'audit.jsonl');
}
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `${JSON.stringify({ count: from + i })}\n`).join('');

/** All of it, page by page from the latest on: what each line counts. */
function all(path: string, max: number): (number | undefined)[][] {
  const pages: (number | undefined)[][] = [];
  for (let before: string | undefined; ; ) {
    const page = readPage(path, { max, before });
    pages.push(page.lines.map(({ line }) => line?.count));
    before = page.older;
    if (before === undefined) return pages;
  }
}

test('pages go through all files and end; the size of a page does not matter', (t) => {
  const path = logIn(t);
  assert.deepEqual(readPage(path, { max: 5 }), { lines: [], older: undefined });
  writeFileSync(`${path}.2`, lines(0, 4));
  writeFileSync(`${path}.1`, '');
  writeFileSync(path, lines(4, 7));
  assert.deepEqual(all(path, 3), [[4, 5, 6], [1, 2, 3], [0]]);
  assert.deepEqual(all(path, 7), [[0, 1, 2, 3, 4, 5, 6]]);
  assert.deepEqual(all(path, 4), [
    [3, 4, 5, 6],
    [0, 1, 2],
  ]);
});

test('lines that cannot be read have their place; one without its end is one; empty ones are none', (t) => {
  const path = logIn(t);
  writeFileSync(path, `{"count":1}\n\n{half\n[]\n7\n{"count":2}\n{"cou`);
  const page = readPage(path, { max: 10 });
  assert.deepEqual(
    page.lines.map(({ line }) => line?.count),
    [1, undefined, undefined, undefined, 2, undefined],
  );
  assert.equal(new Set(page.lines.map((l) => l.id)).size, 6);
});

test('a place stays what it was when the log goes on, and when it is turned over', (t) => {
  const path = logIn(t);
  writeFileSync(path, lines(0, 10));
  const first = readPage(path, { max: 4 });
  appendFileSync(path, lines(10, 12));
  assert.deepEqual(
    readPage(path, { max: 3, before: first.older }).lines.map((l) => l.line?.count),
    [3, 4, 5],
  );
  renameSync(path, `${path}.1`);
  writeFileSync(path, lines(12, 13));
  assert.deepEqual(
    readPage(path, { max: 3, before: first.older }).lines.map((l) => l.line?.count),
    [3, 4, 5],
  );
  assert.deepEqual(
    readPage(path, { max: 5 })
      .lines.map((l) => l.id)
      .slice(0, 2).length,
    2,
  );
  rmSync(`${path}.1`);
  assert.deepEqual(readPage(path, { max: 3, before: first.older }), { lines: [], older: undefined });
  for (const odd of ['', 'x', '1:', ':1', '../x:1', `${'f'.repeat(40)}:1`])
    assert.deepEqual(readPage(path, { max: 3, before: odd }), { lines: [], older: undefined }, odd);
});

test('of a wish for lines that hold something the others are not even parsed', (t) => {
  const path = logIn(t);
  writeFileSync(path, `{"event":"end"}\n{broken\n{"event":"connection","count":1}\n`);
  assert.deepEqual(
    readPage(path, { max: 9, holding: '"event":"connection"' }).lines.map((l) => l.line?.count),
    [1],
  );
});
