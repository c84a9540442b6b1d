// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc, { type Arbitrary } from 'fast-check';
import { Mem, Span } from '../../src/base/mem.ts';
import { cleanPath, PATH_MAX } from '../../src/proxy/paths.ts';
import { BAD_SIZE, BAD_TYPE, decode, encode, NEED_MORE, requestSize } from '../../src/proxyfs/codec.ts';
import { Reader, Writer } from '../../src/proxyfs/coder.ts';
import { PROXY_HEADER, PROXY_MAX } from '../../src/proxyfs/constants.ts';
import { BY_TYPE } from '../../src/proxyfs/messages.ts';
import { Request } from '../../src/proxyfs/request.ts';
import { TOP } from '../helpers/places.ts';
import { fuzzDecoder } from './budget.ts';

const VECTORS = (
  JSON.parse(readFileSync(join(TOP, 'test/vectors/virtfs-proxy.json'), 'utf8')) as { hex: string }[]
).map((v) => Uint8Array.from(Buffer.from(v.hex, 'hex')));
const EDGES = [0, 1, 7, 8, 255, 256, 0x7fff, 0xffff, 65_536, 65_537, 0x7fffffff, 0x80000000, 0xffffffff];

/** A request of the table with some of its bytes or words changed, cut or lengthened. */
const frame: Arbitrary<Uint8Array> = fc
  .tuple(
    fc.constantFrom(...VECTORS),
    fc.array(fc.tuple(fc.nat(), fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...EDGES))), {
      maxLength: 3,
    }),
    fc.oneof(fc.constant(0), fc.integer({ min: -12, max: 12 })),
    fc.boolean(),
  )
  .map(([vector, changes, more, trueSize]) => {
    const out = new Uint8Array(Math.max(0, vector.length + more));
    out.set(vector.subarray(0, out.length));
    const dv = new DataView(out.buffer);
    for (const [at, value] of changes) {
      const p = out.length === 0 ? 0 : at % out.length;
      if (value <= 0xff && p < out.length) out[p] = value;
      else if (p + 4 <= out.length) dv.setUint32(p, value, true);
    }
    if (trueSize && out.length >= PROXY_HEADER) dv.setUint32(4, out.length - PROXY_HEADER, true);
    return out;
  });

/** One for all: as in a helper, each request finds what the one before left there. */
const reused = new Request();

test('any bytes: more are needed, the end, or a request that fits; what decodes encodes to the same bytes', async (t) => {
  const w = new Writer(new Uint8Array(PROXY_HEADER + PROXY_MAX));
  const seen = { more: 0, bad: 0, malformed: 0, decoded: 0 };
  await fuzzDecoder(
    t,
    fc.property(
      fc.oneof({ weight: 9, arbitrary: frame }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) }),
      fc.nat(40),
      (bytes, before) => {
        // Not at the beginning of its buffer, and with other bytes behind: nothing of them may matter.
        const buffer = new Uint8Array(before + bytes.length + 70_000).fill(0xa5);
        buffer.set(bytes, before);
        const end = before + bytes.length;
        const size = requestSize(new DataView(buffer.buffer), before, end);
        if (size === NEED_MORE) return void seen.more++;
        if (size === BAD_TYPE || size === BAD_SIZE) return void seen.bad++;
        assert.ok(size >= PROXY_HEADER && size <= bytes.length);
        const r = new Reader(buffer);
        r.at(before, before + size);
        const ok = decode(r, reused);
        assert.ok(BY_TYPE[reused.type] !== undefined);
        for (const s of [reused.path, reused.path2, reused.name, reused.value])
          assert.ok(s.off + s.len <= s.buf.length);
        if (!ok) return void seen.malformed++;
        seen.decoded++;
        for (const s of [reused.path])
          assert.ok(s.off >= before + PROXY_HEADER && s.off + s.len <= before + size);
        w.at(0, w.buf.length);
        assert.equal(encode(w, reused), size);
        assert.deepEqual(Buffer.from(w.buf.subarray(0, size)), Buffer.from(bytes.subarray(0, size)));
      },
    ),
  );
  for (const [what, n] of Object.entries(seen)) assert.ok(n > 10, `${what}: only ${n} times`);
});

const pathBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom('/', '//', '.', '..', '/..', '/../', 'a', 'b/', '...', '\0', 'x'.repeat(200), '\xff'),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));

test('a cleaned path never leads up, has no detour, and is what a shell would call it', async (t) => {
  const to = new Mem(new Uint8Array(PATH_MAX + 8), 0);
  const span = new Span();
  let cleaned = 0;
  await fuzzDecoder(
    t,
    fc.property(pathBytes, (bytes) => {
      to.u8.fill(0x5a);
      span.set(bytes, 0, bytes.length);
      const last = cleanPath(span, to);
      assert.ok(to.u8.subarray(PATH_MAX).every((b) => b === 0x5a));
      if (last < 0) return;
      cleaned++;
      const text = Buffer.from(to.u8.subarray(0, to.u8.indexOf(0))).toString('latin1');
      assert.ok(text !== '' && !text.startsWith('/') && !text.endsWith('/'));
      const names = text.split('/');
      assert.equal(text.slice(last), names.at(-1));
      if (text !== '.')
        for (const n of names) assert.ok(n !== '' && n !== '.' && n !== '..' && n.length <= 255, text);
      // The model: a stack.
      const stack: string[] = [];
      for (const n of bytes.toString('latin1').replace(/\0$/, '').split('/'))
        if (n === '..') stack.pop();
        else if (n !== '' && n !== '.') stack.push(n);
      assert.equal(text, stack.join('/') || '.');
    }),
  );
  assert.ok(cleaned > 50);
});
