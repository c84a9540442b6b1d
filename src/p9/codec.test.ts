// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Span } from '../base/mem.ts';
import {
  BAD_FRAME,
  DECODED,
  decode,
  encode,
  frameSize,
  MALFORMED,
  NEED_MORE,
  UNKNOWN_TYPE,
} from './codec.ts';
import { Reader, Writer } from './coder.ts';
import { ROWS } from './messages.ts';
import { Msg, type Qid } from './msg.ts';

/** Literal messages, written from the protocol's description and not by this codec; 64-bit values as hex strings. */
interface Vector {
  name: string;
  type: number;
  tag: number;
  hex: string;
  fields: Record<string, unknown>;
}
// The vectors stand beside the sources, not in dist/: found from the package's root, whatever folder was built into.
const vectors: Vector[] = JSON.parse(readFileSync('test/vectors/9p2000L.json', 'utf8'));

const qidText = (q: Qid): unknown[] => [
  q.type,
  q.version,
  `0x${((BigInt(q.pathHi) << 32n) | BigInt(q.pathLo)).toString(16)}`,
];

function field(m: Msg, path: string, like: unknown): unknown {
  if (path === 'qid') return qidText(m.qid);
  if (path === 'qids') return m.qids.slice(0, m.nwqid).map(qidText);
  if (path === 'names') return m.names.slice(0, m.nwname).map((s: Span) => s.text());
  if (path === 'name' || path === 'name2' || path === 'data') return m[path].text();
  let v: unknown = m;
  for (const key of path.split('.')) v = (v as Record<string, unknown>)[key];
  return typeof like === 'string' ? `0x${BigInt(v as number | bigint).toString(16)}` : v;
}

function decodeAll(bytes: Uint8Array, m = new Msg()): { code: number; m: Msg } {
  const r = new Reader(bytes);
  r.at(0, bytes.length);
  return { code: decode(r, m), m };
}

test('there is a literal vector for every row of the table', () => {
  assert.deepEqual(
    ROWS.map((r) => [r.type, r.name]),
    vectors.map((v) => [v.type, v.name]),
  );
});

for (const v of vectors) {
  test(`${v.name}: decodes, encodes to the same bytes, and no shorter or longer body passes`, () => {
    const bytes = new Uint8Array(Buffer.from(v.hex, 'hex'));
    const { code, m } = decodeAll(bytes);
    assert.equal(code, DECODED);
    assert.equal(m.tag, v.tag);
    for (const [path, value] of Object.entries(v.fields))
      assert.deepEqual(field(m, path, value), value, path);
    const w = new Writer(new Uint8Array(bytes.length));
    assert.equal(encode(w, m), bytes.length);
    assert.deepEqual(w.buf, bytes);
    assert.equal(encode(new Writer(new Uint8Array(bytes.length - 1)), m), -1, 'a byte too few to write to');
    for (let cut = 7; cut < bytes.length; cut++) {
      assert.equal(decodeAll(bytes.slice(0, cut)).code, MALFORMED, `cut to ${cut}`);
    }
    assert.equal(decodeAll(new Uint8Array([...bytes, 0])).code, MALFORMED, 'a byte left over');
  });
}

test('a type without a row is known as such, with its tag', () => {
  const { code, m } = decodeAll(new Uint8Array([7, 0, 0, 0, 200, 5, 0]));
  assert.equal(code, UNKNOWN_TYPE);
  assert.equal(m.tag, 5);
});

test('a frame is whole, not yet whole, or impossible', () => {
  const dv = new DataView(new Uint8Array([9, 0, 0, 0, 1, 2, 3, 4, 5, 6]).buffer);
  assert.equal(frameSize(dv, 0, 3, 100), NEED_MORE);
  assert.equal(frameSize(dv, 0, 8, 100), NEED_MORE);
  assert.equal(frameSize(dv, 0, 9, 100), 9);
  assert.equal(frameSize(dv, 0, 9, 8), BAD_FRAME);
  for (const size of [0, 1, 6]) {
    dv.setUint32(0, size, true);
    assert.equal(frameSize(dv, 0, 10, 100), BAD_FRAME);
  }
  dv.setUint32(0, 0xffffffff, true);
  assert.equal(frameSize(dv, 0, 10, 1 << 20), BAD_FRAME);
});

test('more than 16 names are malformed, not read', () => {
  const bytes = Buffer.alloc(7 + 10 + 17 * 3);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes[4] = 110;
  bytes.writeUInt16LE(17, 15);
  for (let i = 0; i < 17; i++) bytes.writeUInt16LE(1, 17 + i * 3);
  assert.equal(decodeAll(bytes).code, MALFORMED);
});
