// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Mem } from '../base/mem.ts';
import { StatBuf } from '../base/stat.ts';
import { BAD_SIZE, BAD_TYPE, decode, encode, NEED_MORE, requestSize } from './codec.ts';
import { Reader, Writer } from './coder.ts';
import { BY_TYPE, P, ROWS } from './messages.ts';
import {
  devMajor,
  devMinor,
  LSTAT_SIZE,
  putGeneration,
  putLstat,
  putSize,
  putStatfs,
  putStatus,
  putString,
  STATFS_SIZE,
} from './replies.ts';
import { Request } from './request.ts';

/** Literal requests, written from the protocol's description and not by this codec. */
interface Vector {
  name: string;
  type: number;
  hex: string;
  fields: Record<string, number | string>;
}
const vectors: Vector[] = JSON.parse(readFileSync('test/vectors/virtfs-proxy.json', 'utf8'));
const bytesOf = (v: Vector): Uint8Array => Uint8Array.from(Buffer.from(v.hex, 'hex'));

function decoded(bytes: Uint8Array): Request | undefined {
  const m = new Request();
  const r = new Reader(bytes);
  r.at(0, bytes.length);
  return decode(r, m) ? m : undefined;
}

function field(m: Request, name: string): unknown {
  const v = m[name as keyof Request];
  return typeof v === 'object' ? v.text() : v;
}

test('there is a literal vector for every row of the table', () => {
  assert.deepEqual(
    ROWS.map((r) => [r.type, r.name]),
    vectors.map((v) => [v.type, v.name]),
  );
  assert.deepEqual(
    ROWS.map((r) => r.type),
    Object.values(P),
  );
});

for (const v of vectors)
  test(`${v.name}: decodes to its fields and encodes to its bytes`, () => {
    const bytes = bytesOf(v);
    const m = decoded(bytes);
    assert.ok(m);
    assert.equal(requestSize(new DataView(bytes.buffer), 0, bytes.length), bytes.length);
    for (const [name, value] of Object.entries(v.fields)) assert.equal(field(m, name), value, name);
    const w = new Writer(new Uint8Array(bytes.length + 5));
    w.at(3, bytes.length + 3);
    assert.equal(encode(w, m), bytes.length);
    assert.deepEqual(Buffer.from(w.buf.subarray(3, 3 + bytes.length)), Buffer.from(bytes));
    // One byte less room: nothing is said to be written.
    w.at(3, bytes.length + 2);
    assert.equal(encode(w, m), -1);
    assert.equal(w.pos, 3);
  });

test('a payload that is too short, or too long, for its type does not decode', () => {
  for (const v of vectors) {
    const bytes = bytesOf(v);
    for (let cut = 8; cut < bytes.length; cut++)
      assert.equal(decoded(bytes.slice(0, cut)), undefined, v.name);
    assert.equal(decoded(Uint8Array.from([...bytes, 0])), undefined);
  }
});

test('sizes and types that end a conversation', () => {
  const dv = new DataView(new ArrayBuffer(16));
  dv.setUint32(0, P.lstat, true);
  dv.setUint32(4, 65_536, true);
  assert.equal(requestSize(dv, 0, 7), NEED_MORE);
  assert.equal(requestSize(dv, 0, 16), NEED_MORE);
  dv.setUint32(4, 65_537, true);
  assert.equal(requestSize(dv, 0, 16), BAD_SIZE);
  for (const type of [0, 1, 22, 0xffffffff]) {
    dv.setUint32(0, type, true);
    assert.equal(requestSize(dv, 0, 16), BAD_TYPE);
    assert.equal(BY_TYPE[type], undefined);
  }
});

test('64-bit values beyond 2^53 are exact', () => {
  const w = new Writer(new Uint8Array(64));
  const m = new Request();
  m.type = P.truncate;
  for (const length of [2n ** 63n - 1n, -(2n ** 63n), -(2n ** 53n) - 1n, -1, 0]) {
    w.at(0, 64);
    m.length = length;
    assert.equal(decoded(w.buf.slice(0, encode(w, m)))?.length, length);
  }
});

const mem = (size: number): Mem => new Mem(new Uint8Array(size), 0);
const hex = (m: Mem, size: number): string => Buffer.from(m.u8.subarray(0, size)).toString('hex');

test('replies, byte for byte', () => {
  const out = mem(256);
  assert.equal(hex(out, putStatus(out, 0)), '000000000400000000000000');
  assert.equal(hex(out, putStatus(out, -2)), '0100000004000000feffffff');
  assert.equal(hex(out, putSize(out, 0x1234)), '000000000400000034120000');
  assert.equal(hex(out, putGeneration(out, 0xdeadbeef)), '0000000008000000efbeadde00000000');
  out.u8.set([0x68, 0x69], 10);
  assert.equal(hex(out, putString(out, 2)), '000000000400000002006869');
});

test('lstat: 116 bytes in the order of struct stat, devices as dev_t', () => {
  const stat = mem(256);
  const { dv } = stat;
  // struct statx (include/uapi/linux/stat.h)
  dv.setUint32(4, 4096, true);
  dv.setUint32(16, 3, true);
  dv.setUint32(20, 1000, true);
  dv.setUint32(24, 1001, true);
  dv.setUint16(28, 0o100644, true);
  dv.setBigUint64(32, 0x1122334455667788n, true);
  dv.setBigUint64(40, 2n ** 40n, true);
  dv.setBigUint64(48, 16n, true);
  dv.setBigInt64(64, -1n, true);
  dv.setUint32(72, 1, true);
  dv.setBigInt64(96, 3n, true);
  dv.setUint32(104, 4, true);
  dv.setBigInt64(112, 5n, true);
  dv.setUint32(120, 6, true);
  dv.setUint32(128, 1, true);
  dv.setUint32(132, 3, true);
  dv.setUint32(136, 0x12345678, true);
  dv.setUint32(140, 0x9abcdef0, true);
  const out = mem(256);
  assert.equal(putLstat(out, new StatBuf(stat)), 8 + LSTAT_SIZE);
  assert.equal(
    hex(out, 8 + LSTAT_SIZE),
    [
      '0000000074000000',
      devHex(0x12345678, 0x9abcdef0),
      '8877665544332211',
      '0300000000000000',
      'a4810000',
      'e8030000',
      'e9030000',
      '0301000000000000',
      '0000000000010000',
      '0010000000000000',
      '1000000000000000',
      'ffffffffffffffff',
      '0100000000000000',
      '0500000000000000',
      '0600000000000000',
      '0300000000000000',
      '0400000000000000',
    ].join(''),
  );
});

/** gnu_dev_makedev(3), in the arithmetic of its own definition. */
function devHex(major: number, minor: number): string {
  const [ma, mi] = [BigInt(major), BigInt(minor)];
  const dev =
    ((ma & 0xfffn) << 8n) | ((ma & 0xfffff000n) << 32n) | (mi & 0xffn) | ((mi & 0xffffff00n) << 12n);
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(dev);
  return b.toString('hex');
}

test('device numbers come apart as they were put together', () => {
  for (const [major, minor] of [
    [1, 3],
    [0xfff, 0xff],
    [0x12345, 0xfffff],
    [0xffffffff, 0xffffffff],
    [0, 0x9abcdef0],
  ] as const) {
    const b = Buffer.from(devHex(major, minor), 'hex');
    assert.equal(devMajor(b.readUInt32LE(0), b.readUInt32LE(4)), major);
    assert.equal(devMinor(b.readUInt32LE(0), b.readUInt32LE(4)), minor);
  }
});

test('statfs: eleven fields of 8 bytes, the halves of fsid each in one', () => {
  const fs = mem(120);
  for (let i = 0; i < 7; i++) fs.dv.setBigUint64(i * 8, BigInt(i + 1), true);
  fs.dv.setUint32(56, 0x80000001, true);
  fs.dv.setUint32(60, 0x7fffffff, true);
  fs.dv.setBigUint64(64, 255n, true);
  fs.dv.setBigUint64(72, 4096n, true);
  const out = mem(256);
  assert.equal(putStatfs(out, fs), 8 + STATFS_SIZE);
  const fields = Array.from({ length: 11 }, (_, i) => out.dv.getBigInt64(8 + i * 8, true));
  assert.deepEqual(fields, [1n, 2n, 3n, 4n, 5n, 6n, 7n, -0x7fffffffn, 0x7fffffffn, 255n, 4096n]);
});
