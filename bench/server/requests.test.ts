// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mem } from '../../src/base/mem.ts';
import { DECODED, decode } from '../../src/p9/codec.ts';
import { Reader } from '../../src/p9/coder.ts';
import { BY_TYPE, T } from '../../src/p9/messages.ts';
import { Msg } from '../../src/p9/msg.ts';
import * as put from './requests.ts';
import { bytes } from './session.ts';

const OFF = 5;
const BIG = 3 * 2 ** 32 + 7;

/** Each request, what it must be, and the fields that the codec of src/p9 must find in it. */
const CASES: readonly [string, (m: Mem) => number, (m: Msg) => unknown, unknown][] = [
  [
    'Tversion',
    (m) => put.version(m, OFF, 65536, bytes('9P2000.L')),
    (m) => [m.tag, m.msize, m.name.text()],
    [0xffff, 65536, '9P2000.L'],
  ],
  [
    'Tattach',
    (m) => put.attach(m, OFF, 9, 1, bytes('root'), bytes('/x'), 42),
    (m) => [m.tag, m.fid, m.afid, m.name.text(), m.name2.text(), m.nuname],
    [9, 1, 0xffffffff, 'root', '/x', 42],
  ],
  [
    'Twalk',
    (m) => put.walk(m, OFF, 9, 1, 2, [bytes('a'), bytes('bcd')]),
    (m) => [m.tag, m.fid, m.newfid, m.nwname, m.names[0]?.text(), m.names[1]?.text()],
    [9, 1, 2, 2, 'a', 'bcd'],
  ],
  ['Tgetattr', (m) => put.getattr(m, OFF, 9, 1, 0x7ff), (m) => [m.tag, m.fid, m.mask], [9, 1, 0x7ff]],
  ['Tlopen', (m) => put.lopen(m, OFF, 9, 1, 2), (m) => [m.tag, m.fid, m.flags], [9, 1, 2]],
  [
    'Tlcreate',
    (m) => put.lcreate(m, OFF, 9, 1, bytes('new'), 0o102, 0o644, 7),
    (m) => [m.tag, m.fid, m.name.text(), m.flags, m.mode, m.gid],
    [9, 1, 'new', 0o102, 0o644, 7],
  ],
  [
    'Tread',
    (m) => put.read(m, OFF, T.read, 9, 1, BIG, 512),
    (m) => [m.tag, m.fid, m.offset, m.count],
    [9, 1, BIG, 512],
  ],
  [
    'Treaddir',
    (m) => put.read(m, OFF, T.readdir, 9, 1, 8, 512),
    (m) => [m.tag, m.fid, m.offset, m.count],
    [9, 1, 8, 512],
  ],
  [
    'Twrite',
    (m) => put.write(m, OFF, 9, 1, BIG, 100),
    (m) => [m.tag, m.fid, m.offset, m.data.len],
    [9, 1, BIG, 100],
  ],
  ['Tclunk', (m) => put.clunk(m, OFF, 9, 1), (m) => [m.tag, m.fid], [9, 1]],
  [
    'Tunlinkat',
    (m) => put.unlinkat(m, OFF, 9, 1, bytes('old')),
    (m) => [m.tag, m.fid, m.name.text(), m.flags],
    [9, 1, 'old', 0],
  ],
];

test('every request of the load is one that the codec reads back whole', () => {
  for (const [name, write, fields, want] of CASES) {
    const m = new Mem(new Uint8Array(4096), 0);
    const len = write(m);
    const msg = new Msg();
    const r = new Reader(m.u8);
    r.at(OFF, OFF + len);
    assert.equal(decode(r, msg), DECODED, name);
    assert.equal(BY_TYPE[msg.type]?.name, name);
    assert.equal(m.dv.getUint32(OFF, true), len, name);
    assert.deepEqual(fields(msg), want, name);
  }
});
