// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterHistory, type HistoryRow } from './history.ts';
import { HistoryLog, PAGE_LINES, pageOf, ROWS_MAX } from './history-log.ts';

const same = (text: string): string => text;
const entry = (n: number): object => ({
  id: `f:${n}`,
  time: new Date(n * 1000).toISOString(),
  event: n % 100 === 0 ? 'end' : 'request',
  source: 'work',
  folder: `/${n}`,
});

/** The page of lines `from` to `to`, as the command prints it. */
function text(from: number, to: number, damaged: readonly number[] = []): string {
  const lines: object[] = [];
  for (let n = from; n < to; n++)
    lines.push(damaged.includes(n) ? { id: `f:${n}`, damaged: true } : entry(n));
  lines.push({ page: from === 0 ? {} : { older: `f:${from}` } });
  return lines.map((l) => `${JSON.stringify(l)}\n`).join('');
}
const page = (from: number, to: number, damaged?: readonly number[]) => pageOf(text(from, to, damaged), same);
const everything = (rows: readonly HistoryRow[]) => rows;
const ids = (rows: readonly HistoryRow[]): (string | undefined)[] => [rows[0]?.id, rows.at(-1)?.id];

test('a page: the latest first, damaged lines by their place, the place where older ones are', () => {
  const { rows, damaged, older } = page(10, 20, [12, 15]);
  assert.deepEqual([ids(rows), rows.length], [['f:19', 'f:10'], 8]);
  assert.deepEqual([damaged, older], [['f:12', 'f:15'], 'f:10']);
  assert.equal(page(0, 5).older, undefined);
  assert.deepEqual(pageOf('rubbish\n[]\n{"page":7}\n{"page":{"older":7}}\n{"id":7}\n', same), {
    rows: [],
    damaged: [],
    older: undefined,
  });
});

test('older pages come after; new lines come on top and lose nothing; damaged lines count once', () => {
  const log = new HistoryLog();
  log.update(page(100, 200, [150]));
  assert.equal(log.older, 'f:100');
  log.add(page(50, 100, [60]), everything);
  assert.deepEqual([ids(log.rows), log.rows.length, log.damaged], [['f:199', 'f:50'], 148, 2]);
  const before = log.rows.find((r) => r.id === 'f:120');
  log.update(pageOf(text(110, 210, [150]), same, log.known));
  assert.deepEqual([ids(log.rows), log.rows.length, log.damaged], [['f:209', 'f:50'], 158, 2]);
  assert.equal(
    log.rows.find((r) => r.id === 'f:120'),
    before,
    'it is not made anew',
  );
  assert.equal(log.older, 'f:50', 'it goes on where it was');
  assert.equal(new Set(log.rows.map((r) => r.id)).size, log.rows.length);
});

test('when more has happened than a page holds, it begins anew rather than with a gap', () => {
  const log = new HistoryLog();
  log.update(page(100, 200));
  log.add(page(50, 100), everything);
  log.update(page(500, 600));
  assert.deepEqual([ids(log.rows), log.older], [['f:599', 'f:500'], 'f:500']);
});

test('a filter looks back until there is enough, and keeps nothing that it does not let through', () => {
  const log = new HistoryLog();
  const size = PAGE_LINES;
  let end = size * 20;
  log.update(page(end - size, end));
  const filter = { kind: 'end' as const, typed: '/0' };
  const wanted = (rows: readonly HistoryRow[]) => filterHistory(rows, filter);
  assert.ok(!log.looksOn(0, {}), 'without a filter only when asked to');
  let pages = 0;
  while (log.looksOn(wanted(log.rows).length, filter)) {
    end -= size;
    log.add(page(end - size, end), wanted);
    pages++;
  }
  assert.equal(pages, 19, 'to the very end');
  assert.deepEqual(ids(wanted(log.rows)), ['f:0', 'f:0']);
  assert.ok(log.rows.length <= size + 1, 'of older pages the one row alone');
  log.restart();
  assert.deepEqual([log.rows.length, log.older], [size, `f:${size * 19}`]);
  assert.ok(!log.looksOn(40, filter), 'there is a screenful');
  const late = { from: size * 19.5 * 1000 };
  assert.ok(!log.looksOn(3, late), 'what is older is not of that time');
});

test('a window keeps so many rows and no more, and says that there are more', () => {
  const log = new HistoryLog();
  let end = ROWS_MAX * 2;
  log.update(page(end - PAGE_LINES, end));
  for (let i = 0; log.older !== undefined; i++) {
    assert.ok(i < 100);
    end -= PAGE_LINES;
    log.add(page(end - PAGE_LINES, end), everything);
  }
  assert.deepEqual([log.rows.length, log.full], [ROWS_MAX, true]);
  log.restart();
  assert.ok(!log.full);
});
