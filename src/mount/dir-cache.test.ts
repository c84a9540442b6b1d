// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plusEntries, type Told } from '../../test/helpers/plus-entries.ts';
import { S_IFDIR } from '../base/stat.ts';
import { ABSENT, ASK, DirCache } from './dir-cache.ts';

function cacheOf(data: Buffer, complete = true): DirCache {
  const cache = new DirCache(0);
  cache.add(data, complete);
  cache.bytes = data.length;
  return cache;
}

const TOLD: readonly Told[] = [
  { name: '.', mode: S_IFDIR },
  { name: '..', mode: S_IFDIR },
  { name: 'one' },
  { name: 'on' },
  { name: 'a/b' },
  { name: '' },
  { name: 'bare', bare: true },
  { name: 'one', bare: true },
  { name: 'caf\u00e9' },
  { name: 'last' },
];
const ASKED = ['one', 'on', 'o', 'ones', 'a/b', '.', '..', '', 'bare', 'caf\u00e9', 'last', 'not there'];

test('a short listing that is looked through says the same as its index', () => {
  const indexed = cacheOf(plusEntries(TOLD));
  // So many that the index is made.
  for (let i = 0; i < 100; i++) indexed.find('one');
  const seen = ASKED.map((name) => cacheOf(plusEntries(TOLD)).find(name));
  assert.deepEqual(
    seen,
    ASKED.map((name) => indexed.find(name)),
  );
  assert.ok((seen[0] as number) > 0);
  assert.deepEqual(
    ASKED.filter((_, i) => seen[i] === ABSENT),
    ['o', 'ones', 'a/b', '.', '..', '', 'not there'],
  );
  assert.deepEqual(
    ASKED.filter((_, i) => seen[i] === ASK),
    ['bare'],
  );
});

test('half an entry at the end is nothing', () => {
  const whole = plusEntries([{ name: 'one' }, { name: 'two' }]);
  const cache = cacheOf(whole.subarray(0, whole.length - 1));
  assert.equal(cache.find('two'), ABSENT);
  assert.ok(cache.find('one') >= 0);
  assert.equal(cache.names, 1);
});

test('of a folder that has not come whole, and of one in several pieces, nothing is taken for absent or overlooked', () => {
  const part = cacheOf(plusEntries(TOLD), false);
  assert.equal(part.find('not there'), ASK);
  assert.ok(part.find('one') >= 0);
  part.add(plusEntries([{ name: 'more' }]), true);
  assert.ok(part.find('more') > part.find('last'));
  assert.equal(part.find('not there'), ABSENT);
});

test('what was changed here is known from then on', () => {
  const cache = cacheOf(plusEntries(TOLD));
  assert.ok(cache.find('on') >= 0);
  cache.note('on', ABSENT);
  cache.note('new', ASK);
  assert.equal(cache.find('on'), ABSENT);
  assert.equal(cache.find('new'), ASK);
  assert.ok(cache.find('one') >= 0);
});

test('names are counted, and folders seen, without . and ..', () => {
  const cache = cacheOf(plusEntries(TOLD));
  assert.equal(cache.names, 6);
  assert.equal(cache.hasFolders, false);
  cache.add(plusEntries([{ name: 'sub', mode: S_IFDIR }]), true);
  assert.equal(cache.names, 7);
  assert.equal(cache.hasFolders, true);
});
