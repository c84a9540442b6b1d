// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S_IFDIR, S_IFREG } from '../base/stat.ts';
import { Attrs } from './attrs.ts';
import { CachePolicy, DEFAULT_TIMES } from './cache-policy.ts';
import { ABSENT, ASK, DirCache } from './dir-cache.ts';
import { Handles } from './handle.ts';
import { killIsPending } from './interrupts.ts';
import { Listing } from './listing.ts';
import { judgeName, NAME_BAD, NAME_DOTS, NAME_GOOD } from './names.ts';
import { Nodes } from './nodes.ts';
import { mountOptions } from './options.ts';

const nobodyElse = { uid: undefined, gid: undefined };

function described(path: number, kind = S_IFREG, bornSec = 0): Attrs {
  const a = new Attrs(nobodyElse);
  a.pathLo = path;
  a.kind = kind;
  a.bornSec = bornSec;
  return a;
}

test('one object is one node, under whatever names', () => {
  const nodes = new Nodes(1, 0);
  const a = nodes.intern(described(7));
  nodes.place(a, nodes.root, 'x');
  assert.equal(nodes.intern(described(7)), a);
  nodes.place(a, nodes.root, 'y');
  assert.equal(nodes.child(nodes.root, 'x'), undefined);
  assert.equal(nodes.child(nodes.root, 'y'), a);
  assert.notEqual(nodes.intern(described(8)), a);
});

test('another kind or another birth is another node, though the number is the same', () => {
  const nodes = new Nodes(1, 0);
  const file = nodes.intern(described(7));
  const dir = nodes.intern(described(7, S_IFDIR));
  assert.notEqual(dir, file);
  assert.equal(nodes.intern(described(7, S_IFDIR)), dir);
  const old = nodes.intern(described(9, S_IFREG, 100));
  old.bornSec = 100;
  assert.equal(nodes.find(described(9, S_IFREG, 100)), old);
  assert.equal(nodes.find(described(9, S_IFREG, 200)), undefined);
  assert.notEqual(nodes.intern(described(9, S_IFREG, 200)), old);
});

test('a number is used again with another generation, and children of what is dropped lose their place', () => {
  const nodes = new Nodes(1, 0);
  const dir = nodes.intern(described(7, S_IFDIR));
  nodes.place(dir, nodes.root, 'd');
  const inner = nodes.intern(described(8));
  nodes.place(inner, dir, 'f');
  nodes.drop(dir);
  assert.equal(inner.parent, undefined);
  assert.equal(nodes.get(dir.id, 0), undefined);
  const next = nodes.intern(described(9));
  assert.equal(next.id, dir.id);
  assert.notEqual(next.generation, dir.generation);
  assert.equal(nodes.get(next.id, 1), undefined);
  nodes.drop(nodes.root);
  assert.equal(nodes.get(1, 0), nodes.root, 'the root stays');
});

test('handles: by number, by node, used again', () => {
  const nodes = new Nodes(1, 0);
  const handles = new Handles();
  const a = handles.open(nodes.root, 5, 0);
  const b = handles.open(nodes.root, 6, 0);
  assert.equal(nodes.root.handles, b);
  handles.close(a);
  assert.equal(nodes.root.handles, b);
  assert.equal(b.next, undefined);
  assert.equal(handles.get(a.id, 0), undefined);
  assert.equal(handles.open(nodes.root, 7, 0).id, a.id);
});

test('names: one component, no NUL, at most 255 bytes', () => {
  const judge = (s: string): number => judgeName(Buffer.from(s, 'latin1'), 0, s.length);
  for (const good of ['a', '...', '.a', 'x'.repeat(255), '\n', '\xff'])
    assert.equal(judge(good), NAME_GOOD, good);
  for (const dots of ['.', '..']) assert.equal(judge(dots), NAME_DOTS);
  for (const bad of ['', 'a/b', '/', 'a\0', 'x'.repeat(256)]) assert.equal(judge(bad), NAME_BAD);
});

test('every byte value stands in a name, but for two', () => {
  for (let c = 0; c < 256; c++) {
    assert.equal(judgeName(Uint8Array.of(0x61, c), 0, 2), c === 0 || c === 0x2f ? NAME_BAD : NAME_GOOD);
  }
});

test('a listing notices that it goes round, wherever the circle begins', () => {
  for (let tail = 0; tail < 20; tail++) {
    for (let round = 1; round < 20; round++) {
      const l = new Listing();
      l.rewind(0, 0);
      let at = 0;
      let noticed = false;
      for (let i = 0; i < 400 && !noticed; i++) {
        at = at < tail + round ? at + 1 : tail + 1;
        noticed = !l.movedTo(at, 0);
      }
      assert.ok(noticed, `${tail} ${round}`);
    }
  }
  const straight = new Listing();
  straight.rewind(0, 0);
  for (let i = 1; i < 1000; i++) assert.ok(straight.movedTo(i, 0));
});

test('a folder’s entries: what is not there is absent only when all are known', () => {
  const c = new DirCache(0);
  assert.equal(c.find('a'), ASK);
  c.complete = true;
  assert.equal(c.find('a'), ABSENT);
  c.note('a', ASK);
  assert.equal(c.find('a'), ASK);
  c.note('a', ABSENT);
  assert.equal(c.find('a'), ABSENT);
});

test('pages are kept only for the version that they are of', () => {
  const policy = new CachePolicy(DEFAULT_TIMES);
  const { root } = new Nodes(1, 0);
  const KEEP = 2;
  assert.equal(policy.onOpen(root, 5, 0) & KEEP, 0);
  assert.equal(policy.onOpen(root, 5, 0) & KEEP, KEEP);
  assert.equal(policy.onOpen(root, 6, 0) & KEEP, 0);
  policy.onWrite(root);
  assert.equal(policy.onOpen(root, 6, 0) & KEEP, 0);
  assert.equal(policy.onOpen(root, 0, 0) & KEEP, 0, 'a server without versions');
  assert.equal(policy.onOpen(root, 0, 0) & KEEP, 0);
});

test('a fatal signal is seen in /proc', () => {
  assert.equal(killIsPending('Name:\tx\nSigPnd:\t0000000000000100\nShdPnd:\t0000000000000000\n'), true);
  assert.equal(killIsPending('SigPnd:\t0000000000000000\nShdPnd:\t0000000000000100\n'), true);
  assert.equal(
    killIsPending('SigPnd:\t0000000000010000\nShdPnd:\t0000000000000000\nSigBlk:\t0000000000000100\n'),
    false,
  );
});

test('writes fit in a message', () => {
  assert.equal(mountOptions(1024 * 1024 + 24).maxWrite, 1024 * 1024);
  assert.equal(mountOptions(65536).maxWrite, 61440);
  assert.equal(mountOptions(4096).maxWrite, 4096);
});
