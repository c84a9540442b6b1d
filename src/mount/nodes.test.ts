// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Node } from './node.ts';
import { Nodes } from './nodes.ts';

const FOLDER = 0o040000;

/** Steps up from a node, at most `most`. */
function depth(node: Node, most = 100): number {
  let n = 0;
  for (let at = node.parent; at !== undefined && n < most; at = at.parent) n++;
  return n;
}

test('parents never run in a circle', () => {
  const nodes = new Nodes(1, 0);
  const [a, b, c] = [2, 3, 4].map((id) => new Node(id, 1, id, 0, FOLDER)) as [Node, Node, Node];
  nodes.place(a, nodes.root, 'a');
  nodes.place(b, a, 'b');
  nodes.place(c, b, 'c');
  // Moved behind our back, or a lie: `a` is now below what was below it.
  nodes.place(a, c, 'a');
  assert.equal(a.parent, c);
  for (const n of [a, b, c]) assert.ok(depth(n) < 100);
  assert.equal(b.parent, undefined, 'that b is in a cannot be true any more');
  nodes.place(a, a, 'self');
  assert.equal(depth(a), 0);
});
