// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ATTR_OUT,
  DIRENT_HEAD,
  direntPlusSize,
  direntSize,
  ENTRY_OUT,
  FuseAttr,
  INIT_OUT,
  InHeader,
  OP,
  putAttrOut,
  putDirent,
  putEntryOut,
  putInitOut,
  putNegativeEntry,
  putNotifyStore,
  putOpenOut,
  putOutHeader,
  readInit,
  SHAPE,
} from './index.ts';

const hex = (u8: Uint8Array): string => Buffer.from(u8).toString('hex');
const view = (text: string): DataView => {
  const b = Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
  return new DataView(b.buffer);
};
function blank(size: number): { dv: DataView; u8: Uint8Array } {
  const u8 = new Uint8Array(size).fill(0xee);
  return { dv: new DataView(u8.buffer), u8 };
}

test('a request header as a kernel wrote it', () => {
  // LOOKUP of "a": len 42, opcode 1, unique 0x102, nodeid 1, uid 1000, gid 1001, pid 77.
  const dv = view(
    '2a000000 01000000 0201000000000000 0100000000000000 e8030000 e9030000 4d000000 00000000 6100',
  );
  const h = new InHeader();
  assert.equal(h.read(dv, 42), true);
  assert.deepEqual(
    [h.opcode, h.uniqueLo, h.uniqueHi, h.nodeLo, h.uid, h.gid, h.pid, h.end],
    [1, 0x102, 0, 1, 1000, 1001, 77, 42],
  );
  assert.equal(h.read(dv, 41), false, 'a length that is not what arrived');
  dv.setUint16(36, 1, true);
  assert.equal(h.read(dv, 42), false, 'extensions longer than the body');
});

test('reply headers, positive and negative', () => {
  const { dv, u8 } = blank(16);
  putOutHeader(dv, 0, 16, -2, 0x102, 1);
  assert.equal(hex(u8), '10000000feffffff0201000001000000');
});

function sample(): FuseAttr {
  const a = new FuseAttr();
  Object.assign(a, {
    inoLo: 1,
    inoHi: 2,
    sizeLo: 3,
    sizeHi: 4,
    blocksLo: 5,
    blocksHi: 6,
    atimeLo: 7,
    atimeHi: 8,
  });
  Object.assign(a, {
    mtimeLo: 9,
    mtimeHi: 10,
    ctimeLo: 11,
    ctimeHi: 12,
    atimeNsec: 13,
    mtimeNsec: 14,
    ctimeNsec: 15,
  });
  Object.assign(a, { mode: 0o100644, nlink: 17, uid: 18, gid: 19, rdev: 20, blksize: 4096 });
  return a;
}
const ATTR_HEX =
  '0100000002000000 0300000004000000 0500000006000000 0700000008000000 090000000a000000 0b0000000c000000' +
  '0d000000 0e000000 0f000000 a4810000 11000000 12000000 13000000 14000000 00100000 00000000';

test('attr_out and entry_out, byte for byte', () => {
  const a = blank(ATTR_OUT);
  putAttrOut(a.dv, 0, 1500, sample());
  assert.equal(hex(a.u8), `0100000000000000 0065cd1d 00000000 ${ATTR_HEX}`.replace(/ /g, ''));
  const e = blank(ENTRY_OUT);
  putEntryOut(e.dv, 0, 5, 6, 2000, 250, sample());
  assert.equal(
    hex(e.u8),
    `0500000000000000 0600000000000000 0200000000000000 0000000000000000 00000000 80b2e60e ${ATTR_HEX}`.replace(
      / /g,
      '',
    ),
  );
  putNegativeEntry(e.dv, 0, 1000);
  assert.equal(
    hex(e.u8.subarray(0, 24)),
    '0000000000000000 0000000000000000 0100000000000000'.replace(/ /g, ''),
  );
  assert.ok(e.u8.subarray(24).every((b) => b === 0));
});

test('open_out', () => {
  const { dv, u8 } = blank(16);
  putOpenOut(dv, 0, 9, 2);
  assert.equal(hex(u8), '09000000000000000200000000000000');
});

test('directory entries are padded to eight bytes', () => {
  assert.deepEqual([direntSize(1), direntSize(8), direntSize(9), direntPlusSize(1)], [32, 32, 40, 160]);
  const { dv, u8 } = blank(32);
  const name = new TextEncoder().encode('xabcx');
  assert.equal(putDirent(dv, u8, 0, 1, 2, 3, 4, 8, name, 1, 3), 32);
  assert.equal(hex(u8), '01000000020000000300000004000000' + '03000000080000006162630000000000');
  assert.equal(DIRENT_HEAD, 24);
});

test('init: read what the kernel offers, also from an old one that says less', () => {
  const dv = view('07000000 2d000000 00000200 ffffff7f 10000000');
  assert.deepEqual(readInit(dv, 0, 20), {
    major: 7,
    minor: 45,
    maxReadahead: 131072,
    flags: 0x7fffffff,
    flags2: 16,
  });
  assert.deepEqual(readInit(dv, 0, 16).flags2, 0);
});

test('init: the reply', () => {
  const { dv, u8 } = blank(INIT_OUT);
  putInitOut(dv, 0, {
    minor: 31,
    maxReadahead: 131072,
    flags: 0x40000001,
    flags2: 2,
    maxBackground: 64,
    congestionThreshold: 48,
    maxWrite: 1048576,
    timeGran: 1,
    maxPages: 256,
  });
  assert.equal(
    hex(u8),
    '070000001f0000000000020001000040400030000000100001000000000100000200000000000000'.padEnd(128, '0'),
  );
});

test('notify store puts its head right before the data', () => {
  const { dv, u8 } = blank(48);
  assert.equal(putNotifyStore(dv, 44, 4, 7, 4096, 4), 4);
  assert.equal(
    hex(u8.subarray(4, 44)),
    '2c000000 04000000 0000000000000000 0700000000000000 0010000000000000 04000000 00000000'.replace(
      / /g,
      '',
    ),
  );
});

test('every request that is handled has a shape', () => {
  for (const [name, n] of Object.entries(OP)) {
    if (['bmap', 'notifyReply', 'setupmapping', 'removemapping', 'syncfs', 'tmpfile', 'statx'].includes(name))
      continue;
    assert.equal(SHAPE[n]?.name, name);
  }
});
