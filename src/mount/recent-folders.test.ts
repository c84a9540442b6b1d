// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S_IFDIR } from '../base/stat.ts';
import { DirCache } from './dir-cache.ts';
import { Node } from './node.ts';
import { RecentFolders } from './recent-folders.ts';

const MIB = 1024 * 1024;
const folder = (id: number): Node => new Node(id, 0, id, 0, S_IFDIR);

function cacheOf(bytes: number): DirCache {
  const cache = new DirCache(0);
  cache.add(Buffer.alloc(bytes), false);
  return cache;
}

test('the oldest go when there are too many bytes, but not what lookups wait for', () => {
  const recent = new RecentFolders();
  const nodes = [2, 3, 4, 5].map(folder);
  const caches = nodes.map(() => cacheOf(6 * MIB));
  for (const i of [0, 1]) recent.put(nodes[i] as Node, caches[i] as DirCache);
  (caches[0] as DirCache).fetching = true;
  recent.put(nodes[2] as Node, caches[2] as DirCache);
  assert.deepEqual(
    nodes.map((n) => n.entries !== undefined),
    [true, false, true, false],
  );
  assert.deepEqual([recent.count, recent.bytes], [2, 12 * MIB]);
  (caches[0] as DirCache).fetching = false;
  (caches[2] as DirCache).add(Buffer.alloc(6 * MIB), true);
  recent.grew(caches[2] as DirCache, 6 * MIB);
  assert.equal(nodes[0]?.entries, undefined);
  assert.deepEqual([recent.count, recent.bytes], [1, 12 * MIB]);
});

test('a folder has one, and a dropped one counts no more', () => {
  const recent = new RecentFolders();
  const node = folder(2);
  const [a, b] = [cacheOf(MIB), cacheOf(2 * MIB)];
  recent.put(node, a);
  recent.put(node, b);
  assert.deepEqual([recent.count, recent.bytes], [1, 2 * MIB]);
  a.add(Buffer.alloc(MIB), true);
  recent.grew(a, MIB);
  assert.equal(recent.bytes, 2 * MIB);
  recent.drop(node);
  assert.deepEqual([recent.count, recent.bytes, node.entries], [0, 0, undefined]);
});

test('2,048 folders at the most', () => {
  const recent = new RecentFolders();
  const nodes = Array.from({ length: 2100 }, (_, i) => folder(i + 2));
  for (const n of nodes) recent.put(n, new DirCache(0));
  assert.equal(recent.count, 2048);
  assert.equal(nodes.filter((n) => n.entries !== undefined).length, 2048);
  assert.equal(nodes[51]?.entries, undefined);
});
