// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cases } from './cases/index.ts';
import { LIMITS } from './limits.ts';
import { PLACES } from './places.ts';
import { count, judge, sheet } from './sheet.ts';

const place = { id: 'p', title: 'a place', target: 't', asUser: false, guest: false, others: false };
const failed = { name: 'g: a case', status: 'failed', why: 'EIO', ms: 1 } as const;

test('every limit names cases and places that exist', () => {
  const names = LIMITS.flatMap((l) => l.cases);
  assert.deepEqual(
    names.filter((n) => !(n in cases)),
    [],
  );
  const ids = PLACES.map((p) => p.id);
  assert.deepEqual(
    LIMITS.flatMap((l) => l.places).filter((id) => !ids.includes(id)),
    [],
  );
});

test('a failure is a limit only where one is known', () => {
  const known = (id: string, name: string) => (id === 'p' && name === failed.name ? 'the client' : undefined);
  assert.equal(judge(place, failed, known).verdict, 'limit');
  assert.equal(judge(place, failed, known).why, 'the client');
  assert.equal(judge({ ...place, id: 'q' }, failed, known).verdict, 'failed');
  assert.equal(judge(place, { ...failed, status: 'passed' }, known).verdict, 'passed');
});

test('the page counts, and names every failure with its reason as plain text', () => {
  const column = { place, outcomes: [judge(place, { ...failed, why: 'a|b <c>' }, () => undefined)] };
  assert.equal(count(column, 'failed'), 1);
  const page = sheet([column], 3, ['3 cases']);
  assert.match(page, /\| a place \| 0 \| 0 \| 0 \| 1 \| 2 \|/);
  assert.match(page, /## Failed\n\n- a\\\|b \\<c\\>\n {2}- g: a case \(p\)/);
});

test('the page tells which cases one server passes and the other does not', () => {
  const passed = { ...failed, name: 'g: another', status: 'passed', why: '' } as const;
  const columns = [
    [failed, passed],
    [{ ...failed, status: 'passed', why: '' } as const, { ...passed, status: 'failed', why: 'EIO' } as const],
  ].map((outcomes, i) => ({
    place: { ...place, id: i === 0 ? 'v9fs-none' : 'diod' },
    outcomes: outcomes.map((o) => judge(place, o, () => undefined)),
  }));
  const page = sheet(columns, 2, []);
  assert.match(
    page,
    /1 cases pass on our server and not on diod, and 1 on diod and not on ours:\n\n- g: a case: EIO\n\n## Failed/,
  );
  assert.doesNotMatch(sheet(columns.slice(0, 1), 2, []), /beside diod/);
});
