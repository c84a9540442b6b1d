// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S_IFDIR, S_IFREG } from '../base/stat.ts';
import { AT, GETATTR_BASIC, GETATTR_BODY } from '../p9-client/index.ts';
import { ABSENT, ASK, DirCache } from './dir-cache.ts';

interface Told {
  readonly name: string;
  readonly mode?: number;
  /** Without attributes: there, but not described. */
  readonly bare?: boolean;
}

/** The payload of an Rreaddirplus. */
function listing(entries: readonly Told[]): Buffer {
  return Buffer.concat(
    entries.map(({ name, mode = S_IFREG, bare = false }, i) => {
      const b = Buffer.alloc(GETATTR_BODY + 10 + name.length);
      b.writeUInt32LE(bare ? 0 : GETATTR_BASIC, 0);
      b.writeUInt32LE(mode, AT.mode);
      b.writeUInt32LE(i + 1, GETATTR_BODY);
      b.writeUInt16LE(name.length, GETATTR_BODY + 8);
      b.write(name, GETATTR_BODY + 10, 'latin1');
      return b;
    }),
  );
}

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
  const indexed = cacheOf(listing(TOLD));
  // So many that the index is made.
  for (let i = 0; i < 100; i++) indexed.find('one');
  const seen = ASKED.map((name) => cacheOf(listing(TOLD)).find(name));
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
  const whole = listing([{ name: 'one' }, { name: 'two' }]);
  const cache = cacheOf(whole.subarray(0, whole.length - 1));
  assert.equal(cache.find('two'), ABSENT);
  assert.ok(cache.find('one') >= 0);
  assert.equal(cache.names, 1);
});

test('of a folder that has not come whole, and of one in several pieces, nothing is taken for absent or overlooked', () => {
  const part = cacheOf(listing(TOLD), false);
  assert.equal(part.find('not there'), ASK);
  assert.ok(part.find('one') >= 0);
  part.add(listing([{ name: 'more' }]), true);
  assert.ok(part.find('more') > part.find('last'));
  assert.equal(part.find('not there'), ABSENT);
});

test('what was changed here is known from then on', () => {
  const cache = cacheOf(listing(TOLD));
  assert.ok(cache.find('on') >= 0);
  cache.note('on', ABSENT);
  cache.note('new', ASK);
  assert.equal(cache.find('on'), ABSENT);
  assert.equal(cache.find('new'), ASK);
  assert.ok(cache.find('one') >= 0);
});

test('names are counted, and folders seen, without . and ..', () => {
  const cache = cacheOf(listing(TOLD));
  assert.equal(cache.names, 6);
  assert.equal(cache.hasFolders, false);
  cache.add(listing([{ name: 'sub', mode: S_IFDIR }]), true);
  assert.equal(cache.names, 7);
  assert.equal(cache.hasFolders, true);
});
