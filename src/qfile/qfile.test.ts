// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { EILSEQ, ENOLINK } from '../base/errno.ts';
import {
  allowedCodePoint,
  checkName,
  checkTarget,
  crc32,
  decodeHeader,
  decodeNameBlock,
  decodeResult,
  encodeHeader,
  encodeNameBlock,
  encodeResult,
  escapeName,
  escapePath,
  firstForbidden,
  HEADER_SIZE,
  Header,
  localName,
  resultSize,
  UNPACKER_RULES,
  unescapeName,
} from './index.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
const view = (b: Uint8Array): DataView => new DataView(b.buffer, b.byteOffset, b.byteLength);

/** Written by hand from the description of struct file_header, not by this codec. */
const HEADERS: readonly (readonly [string, Partial<Header>])[] = [
  [
    '02000000 a4810000 0500000000000000 01000000 02000000 03000000 04000000',
    { namelen: 2, mode: 0o100644, filelen: 5, atime: 1, atimeNsec: 2, mtime: 3, mtimeNsec: 4 },
  ],
  [
    '05000000 ed410000 0000000000000000 ffffffff ffc99a3b 00000080 00000000',
    { namelen: 5, mode: 0o40755, atime: 0xffffffff, atimeNsec: 999_999_999, mtime: 0x80000000 },
  ],
  [
    '0a000000 ffa10000 0300000000000000 00000000 00000000 00000000 00000000',
    { namelen: 10, mode: 0o120777, filelen: 3 },
  ],
  [
    '02000000 a4810000 0000000001000000 00000000 00000000 00000000 00000000',
    { namelen: 2, mode: 0o100644, filelen: 2 ** 32 },
  ],
  ['00000000 00000000 0000000000000000 00000000 00000000 00000000 00000000', {}],
];

test('headers, byte for byte and back', () => {
  for (const [text, fields] of HEADERS) {
    const want = Object.assign(new Header(), fields);
    const wire = hex(text);
    const got = new Header();
    decodeHeader(view(wire), 0, got);
    assert.deepEqual(got, want);
    const out = new Uint8Array(HEADER_SIZE + 3);
    encodeHeader(view(out), 3, want);
    assert.deepEqual(out.subarray(3), wire);
  }
});

test('a length of 2^63 and more is seen as more than any file has', () => {
  for (const length of ['0000000000000080', 'ffffffffffffffff', 'ffffffffffffff7f', '0100000000002000']) {
    const h = new Header();
    decodeHeader(view(hex(`02000000a4810000${length}${'00'.repeat(16)}`)), 0, h);
    assert.ok(h.filelen > Number.MAX_SAFE_INTEGER, length);
  }
});

test('results, byte for byte, with and without the name', () => {
  const vectors = [
    ['00000000 00000000 2639f4cb00000000 01000000 61', { error: 0, crc: 0xcbf43926, lastName: bytes('a') }],
    ['11000000 00000000 0000000000000000 03000000 612f62', { error: 17, crc: 0, lastName: bytes('a/b') }],
    ['765edf01 00000000 0100000000000000', { error: 31_415_926, crc: 1 }],
    ['00000000 00000000 0000000000000000 00000000', { error: 0, crc: 0, lastName: bytes('') }],
  ] as const;
  for (const [text, result] of vectors) {
    assert.deepEqual(encodeResult(result), hex(text));
    assert.deepEqual(decodeResult(hex(text)), result);
  }
  const whole = hex(vectors[1][0]);
  for (let n = 0; n < 16; n++) assert.equal(decodeResult(whole.subarray(0, n)), undefined);
  assert.deepEqual(decodeResult(whole.subarray(0, 18)), { error: 17, crc: 0 }, 'a torn extension is none');
  assert.deepEqual(decodeResult(whole.subarray(0, 21))?.lastName, bytes('a'));
  assert.equal(resultSize(whole), whole.length);
  const endless = whole.slice();
  endless.set(hex('ffffffff'), 16);
  assert.equal(resultSize(endless), 20 + 16_384, 'no receiver makes a sender read more than this');
});

test('CRC-32: the check value, chained at every point, and as zlib has it', () => {
  const digits = bytes('123456789');
  assert.equal(crc32(digits, 0), 0xcbf43926);
  for (let n = 0; n <= 9; n++)
    assert.equal(crc32(digits.subarray(n), crc32(digits.subarray(0, n), 0)), 0xcbf43926);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 0xffffffff }), (b, start) => {
      assert.equal(crc32(b, start), zlib.crc32(b, start));
    }),
  );
});

test('exactly the characters of the original table', () => {
  let n = 0;
  for (let c = 0; c <= 0x10ffff; c++) if ((c < 0xd800 || c > 0xdfff) && allowedCodePoint(c)) n++;
  assert.equal(n, 115_608, `Unicode ${process.versions.unicode}`);
  for (const c of '€–“”…²±äßÅжЯ漢한ひカ ~') assert.ok(allowedCodePoint(c.codePointAt(0) as number), c);
  for (const c of [
    '\0',
    '\n',
    '\x7f',
    '\x9f',
    '°',
    '©',
    '\u00a0',
    '\u3000',
    '\u200b',
    '\u202e',
    '\u0301',
    'א',
    'ع',
    'ก',
    '😀',
    '\ufeff',
    '\ue000',
  ])
    assert.ok(!allowedCodePoint(c.codePointAt(0) as number), JSON.stringify(c));
});

test('ill-formed UTF-8 is found where it begins', () => {
  for (const [text, at] of [
    ['61 ff', 1],
    ['61 c3', 1],
    ['c0 af', 0],
    ['e0 80 af', 0],
    ['ed a0 80', 0],
    ['f4 90 80 80', 0],
    ['61 62 80', 2],
    ['c3 a4 61', -1],
    ['f0 a0 80 80', -1],
  ] as const)
    assert.equal(firstForbidden(hex(text), 0, hex(text).length), at, text);
});

const depth = (name: string, unsafe = false): number =>
  checkName(bytes(name), 0, bytes(name).length, { ...UNPACKER_RULES, unsafeCharacters: unsafe });

test('names of files and folders', () => {
  for (const [name, n] of [
    ['a', 1],
    ['a/b', 2],
    ['a/b/c', 3],
    ['...', 1],
    ['.a/b.', 2],
    ['a b', 1],
  ] as const)
    assert.equal(depth(name), n, name);
  for (const name of [
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    './a',
    'a/.',
    'a/./b',
    'a/..',
    '../a',
    'a/../b',
  ])
    for (const unsafe of [false, true]) assert.equal(depth(name, unsafe), -EILSEQ, JSON.stringify(name));
  for (const name of ['a\n', 'a/\x1b[m', '\u202eb', 'e\u0301']) {
    assert.equal(depth(name), -EILSEQ);
    assert.ok(depth(name, true) > 0);
  }
  assert.equal(depth('a\0b', true), -EILSEQ, 'the kernel would see another name');
});

const target = (name: string, to: string, more: Partial<typeof UNPACKER_RULES> = {}): number =>
  checkTarget(bytes(to), 0, bytes(to).length, depth(name), { ...UNPACKER_RULES, ...more });
const strict = { nonCanonicalSymlinks: false };

test('targets of links stay inside the top-level folder', () => {
  for (const [name, to] of [
    ['a/b', 'c'],
    ['a/b/c', '../d'],
    ['a/b/c/d', '../../e'],
    ['a/b', 'c/d/'],
    ['a/b', 'c//d'],
    ['a/b', './c'],
    ['a/b', ''],
  ] as const)
    assert.equal(target(name, to), 0, `${name} -> ${to}`);
  for (const [name, to] of [
    ['a', 'b'],
    ['a/b', '/etc'],
    ['a/b', '..'],
    ['a/b', '../c'],
    ['a/b/c', '../../d'],
    ['a/b/c', 'd/../e'],
    ['a/b/c', './../../d'],
    ['a/b/c', '..//..'],
  ] as const)
    assert.equal(target(name, to), -ENOLINK, `${name} -> ${to}`);
  for (const to of ['', 'c//d', './c', 'c/.']) assert.equal(target('a/b', to, strict), -EILSEQ, to);
  assert.equal(target('a/b', 'c/', strict), 0);
  assert.equal(target('a/b', 'c\n'), -EILSEQ);
  assert.equal(target('a/b', '/etc/../x', { unsafeSymlinks: true }), 0);
});

test('what a link may say never leads above its top-level folder', () => {
  const part = fc.constantFrom('a', 'b', '..', '.', '', 'ä');
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('x', 'y'), { minLength: 1, maxLength: 5 }),
      fc.array(part, { maxLength: 8 }),
      (name, to) => {
        if (target(name.join('/'), to.join('/')) !== 0) return;
        const at: string[] = name.slice(0, -1);
        for (const p of to) {
          if (p === '..') at.pop();
          else if (p !== '' && p !== '.') at.push(p);
          assert.ok(at.length >= 1, `${name.join('/')} -> ${to.join('/')}`);
        }
      },
    ),
  );
});

test('escapes: any name becomes one that is taken, and comes back', () => {
  assert.deepEqual(escapeName(bytes('a\nb')), bytes('a%0Ab'));
  assert.deepEqual(escapeName(bytes('100%')), bytes('100%'));
  assert.deepEqual(escapeName(bytes('%41')), bytes('%2541'));
  assert.deepEqual(escapeName(bytes('😀')), bytes('%F0%9F%98%80'));
  const plain = bytes('plain');
  assert.equal(escapeName(plain), plain);
  const odd = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 20 }),
    fc.string({ minLength: 1, unit: 'grapheme' }).map(bytes),
    fc.stringMatching(/^[%0-9A-F\n]{1,12}$/).map(bytes),
  );
  fc.assert(
    fc.property(odd, (name) => {
      const safe = escapeName(name);
      assert.equal(firstForbidden(safe, 0, safe.length), -1);
      assert.deepEqual(unescapeName(safe), name);
    }),
    { numRuns: 1000 },
  );
  assert.deepEqual(escapePath(bytes('a\t/b/c%0A')), bytes('a%09/b/c%250A'));
});

test('the block of open-in-VM', () => {
  const block = encodeNameBlock(bytes('a.txt'), false);
  assert.equal(block.length, 256);
  assert.deepEqual(block.subarray(0, 8), hex('612e747874000000'));
  assert.deepEqual(decodeNameBlock(block), { name: bytes('a.txt'), viewOnly: false });
  assert.deepEqual(encodeNameBlock(bytes('a'), true).subarray(0, 12), bytes('view-only-a\0'));
  assert.deepEqual(decodeNameBlock(encodeNameBlock(bytes('a'), true)), { name: bytes('a'), viewOnly: true });
  const long = bytes(`${'x'.repeat(300)}.odt`);
  for (const [only, length] of [
    [false, 255],
    [true, 245],
  ] as const) {
    const { name, viewOnly } = decodeNameBlock(encodeNameBlock(long, only));
    assert.deepEqual(name, long.subarray(long.length - length));
    assert.equal(viewOnly, only);
  }
  assert.equal(encodeNameBlock(long, false)[255], 0);
  assert.equal(decodeNameBlock(new Uint8Array(256).fill(0x61)).name.length, 255, 'byte 255 counts as NUL');
});

test('names under which an opened file is kept', () => {
  for (const [wire, local] of [
    ['a.txt', 'a.txt'],
    ['a b.txt', 'a_b.txt'],
    ['ä', '__'],
    ['.bashrc', '_bashrc'],
    ['-rf', '_rf'],
    ['..', '_.'],
    ['.', '_'],
    ['', undefined],
    ['a/b', undefined],
  ] as const)
    assert.equal(localName(bytes(wire)), local, wire);
});
