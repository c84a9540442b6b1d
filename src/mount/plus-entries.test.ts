// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plusEntries } from '../../test/helpers/plus-entries.ts';
import { OpensAhead, type Readers } from './ahead.ts';
import { CachePolicy, DEFAULT_TIMES } from './cache-policy.ts';
import { DirCache } from './dir-cache.ts';
import type { Engine } from './engine.ts';
import { Nodes } from './nodes.ts';
import { entryEnd, findEntry, NAME_AT } from './plus-entries.ts';

const NAMES = ['a', 'bb', 'ccc', 'bb', ''];
const viewOf = (b: Buffer): DataView => new DataView(b.buffer, b.byteOffset, b.byteLength);

test('entries are gone through to the last whole one, wherever the payload is cut', () => {
  const whole = plusEntries(NAMES.map((name) => ({ name })));
  const ends: number[] = [];
  for (let end = 0; end < whole.length; ) {
    end += NAME_AT + (NAMES[ends.length] as string).length;
    ends.push(end);
  }
  for (let cut = 0; cut <= whole.length; cut++) {
    const dv = viewOf(whole.subarray(0, cut));
    const seen: number[] = [];
    for (let end = entryEnd(dv, 0, cut); end >= 0; end = entryEnd(dv, end, cut)) seen.push(end);
    assert.deepEqual(
      seen,
      ends.filter((end) => end <= cut),
      `${cut} bytes`,
    );
  }
  // A length that leads out of it.
  const [end = 0] = ends;
  whole.writeUInt16LE(0xffff, end + NAME_AT - 2);
  assert.equal(entryEnd(viewOf(whole), end, whole.length), -1);
  assert.equal(findEntry(whole, viewOf(whole), 'a'), 0);
  assert.equal(findEntry(whole, viewOf(whole), 'ccc'), -1);
});

test('a name is found where it first stands', () => {
  const data = plusEntries(NAMES.map((name) => ({ name })));
  const at = (name: string): number => findEntry(data, viewOf(data), name);
  assert.equal(at('a'), 0);
  assert.equal(at('bb'), NAME_AT + 1);
  assert.equal(at('ccc'), 2 * NAME_AT + 3);
  assert.equal(at(''), 4 * NAME_AT + 8);
  assert.equal(at('b'), -1);
  assert.equal(at('d'), -1);
});

test('files are opened ahead to the last whole entry of what a server listed', () => {
  const nodes = new Nodes(1, 0);
  const dir = nodes.root;
  const data = plusEntries(NAMES.map((name) => ({ name })));
  // Half an entry behind the last: reading it would go past the end.
  for (const more of [0, 1, 5, NAME_AT - 1, NAME_AT]) {
    const half = Buffer.concat([data, Buffer.alloc(more, 0xff)]);
    const cache = new DirCache(1000, 1);
    cache.add(half, true);
    dir.entries = cache;
    dir.watch = 1;
    dir.fid = 0;
    dir.readers = undefined;
    const child = { parent: dir, name: 'a' } as Parameters<OpensAhead['noticed']>[1];
    // What is asked of an engine until a file is found that can be opened: none is known here.
    const engine = { now: 1000, policy: new CachePolicy(DEFAULT_TIMES), nodes, mayPrefetch: () => true };
    const ahead = new OpensAhead();
    for (let i = 0; i < 10; i++) ahead.noticed(engine as unknown as Engine, child);
    const { readers } = dir as { readers: Readers | undefined };
    assert.equal(readers?.pos, data.length, `${more} bytes behind the last`);
  }
});
