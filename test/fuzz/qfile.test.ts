// SPDX-License-Identifier: MIT
// What comes in a transfer of files, and in a request for a folder: any bytes against each decoder.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBase64, encodeBase64 } from '../../src/policy/base64.ts';
import { formatAsk, parseAsk, parseFolderLine } from '../../src/policy/wire.ts';
import {
  ANSWER_SIZE,
  checkName,
  checkTarget,
  decodeAnswer,
  decodeHeader,
  decodeNameBlock,
  decodeResult,
  encodeAnswer,
  encodeHeader,
  encodeNameBlock,
  encodeResult,
  FILELEN_MAX,
  HEADER_SIZE,
  Header,
  localName,
  MAX_PATH_LENGTH,
  NAME_BLOCK,
  resultSize,
  UNPACKER_RULES,
} from '../../src/qfile/index.ts';
import { fuzzDecoder } from './budget.ts';

const viewOf = (b: Uint8Array): DataView => new DataView(b.buffer, b.byteOffset, b.byteLength);
const exactly = (n: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: n, maxLength: n });

test('qfile: any header is taken in, and written again it is the same bytes', async (t) => {
  const header = new Header();
  const out = new Uint8Array(HEADER_SIZE);
  await fuzzDecoder(
    t,
    fc.property(exactly(HEADER_SIZE), (bytes) => {
      decodeHeader(viewOf(bytes), 0, header);
      assert.ok(header.filelen >= 0);
      // A longer one is rounded, and refused.
      if (header.filelen > FILELEN_MAX) return;
      encodeHeader(viewOf(out), 0, header);
      assert.deepEqual(out, bytes);
    }),
  );
});

test('qfile: any answer is none, or a result or state that is within what came', async (t) => {
  const out = new Uint8Array(ANSWER_SIZE);
  await fuzzDecoder(
    t,
    fc.property(fc.uint8Array({ maxLength: 64 }), exactly(ANSWER_SIZE), fc.nat(3), (bytes, answer, state) => {
      const result = decodeResult(bytes);
      assert.equal(result === undefined, bytes.length < 16);
      assert.ok(resultSize(bytes) <= 20 + MAX_PATH_LENGTH);
      assert.ok((result?.lastName?.length ?? 0) <= Math.max(0, bytes.length - 20));
      if (result !== undefined) assert.deepEqual(decodeResult(encodeResult(result)), result);
      // Of chance alone it would never be one of ours.
      viewOf(answer).setUint32(0, 0x3141_464e, true);
      viewOf(answer).setUint32(4, state, true);
      const decoded = decodeAnswer(viewOf(answer));
      assert.equal(decoded === undefined, state > 2);
      if (decoded === undefined || decoded.size > Number.MAX_SAFE_INTEGER) return;
      encodeAnswer(viewOf(out), decoded);
      assert.deepEqual(out, answer);
    }),
  );
});

const pathBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '//',
        '.',
        '..',
        'a',
        'b',
        '\0',
        '\x1b',
        '\xff',
        '\xc3\xa4',
        '\xe2\x80\xae',
        '...',
      ),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));

test('qfile: a name that is taken leads down and nowhere else, and no target leads out', async (t) => {
  let taken = 0;
  await fuzzDecoder(
    t,
    fc.property(pathBytes, pathBytes, (name, target) => {
      const depth = checkName(name, 0, name.length, UNPACKER_RULES);
      if (depth < 0) return;
      taken++;
      const parts = name.toString('utf8').split('/');
      assert.equal(parts.length, depth);
      for (const p of parts)
        assert.ok(p !== '' && p !== '.' && p !== '..' && !/[\p{Cc}\ufffd\u202e]/u.test(p));
      if (checkTarget(target, 0, target.length, depth, UNPACKER_RULES) !== 0) return;
      assert.ok(target[0] !== 0x2f && !target.includes(0));
      let at = depth - 1;
      for (const p of target.toString('latin1').split('/')) {
        if (p === '..') at--;
        else if (p !== '' && p !== '.') at++;
        assert.ok(at >= 1, 'it leads above its top-level folder');
      }
    }),
  );
  assert.ok(taken > 10);
});

test('qfile: any block of open-in-VM has a name under which a file can be kept, or none', async (t) => {
  await fuzzDecoder(
    t,
    fc.property(exactly(NAME_BLOCK), pathBytes, fc.boolean(), (block, name, plain) => {
      const { name: sent, viewOnly } = decodeNameBlock(plain ? encodeNameBlock(name, false) : block);
      assert.ok(sent.length < NAME_BLOCK && !sent.includes(0));
      const local = localName(sent);
      if (local !== undefined) assert.match(local, /^[0-9A-Za-z_+@][0-9A-Za-z._+@-]*$/);
      else assert.ok(sent.length === 0 || sent.includes(0x2f));
      if (viewOnly) assert.ok(plain ? name.subarray(0, 10).toString() === 'view-only-' : true);
    }),
  );
});

test('asking: any request is refused, or one canonical folder of one machine', async (t) => {
  const text = fc.oneof(
    fc.constantFrom('/', '/home/user', '/a//b', '/a/..', 'a', '/\u202e', 'vault', 'work\n', ''),
    fc.string({ maxLength: 12, unit: 'binary' }),
  );
  const line = fc.oneof(
    { weight: 5, arbitrary: text.map((s) => encodeBase64(new TextEncoder().encode(s))) },
    { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
  );
  const last = fc.constantFrom('', 'ninefold-1 ro\n', 'ninefold-1 rw\n', 'ninefold-1 rx\n', 'x');
  let good = 0;
  await fuzzDecoder(
    t,
    fc.property(line, line, last, (name, folder, third) => {
      const bytes = new TextEncoder().encode(`${name}\n${folder}\n${third}`);
      const ask = parseAsk(bytes);
      if (ask.ok) {
        good++;
        assert.match(ask.value.target, /^[A-Za-z][A-Za-z0-9._-]{0,30}(?![\s\S])/);
        const f = ask.value.folder;
        assert.ok(f === '/' || /^(\/[^/\p{Cc}]+)+$/u.test(f), JSON.stringify(f));
        assert.ok(!f.split('/').some((p) => p === '.' || p === '..'));
        if (ask.value.extended) assert.equal(formatAsk(ask.value), `${name}\n${folder}\n${third}`);
      }
      const one = parseFolderLine(new TextEncoder().encode(`${folder}\n`));
      if (one.ok && ask.ok) assert.equal(one.value, ask.value.folder);
      const raw = decodeBase64(folder);
      if (raw.ok) assert.equal(encodeBase64(raw.value), folder);
    }),
  );
  assert.ok(good > 10);
});
