// SPDX-License-Identifier: MIT

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc, { type Arbitrary } from 'fast-check';
import { TOP } from '../helpers/places.ts';

/** Whole messages that are right, one of each row: where mutation begins. */
export const VECTORS: readonly Uint8Array[] = (
  JSON.parse(readFileSync(join(TOP, 'test/vectors/9p2000L.json'), 'utf8')) as { hex: string }[]
).map((v) => Uint8Array.from(Buffer.from(v.hex, 'hex')));

/** What hurts where a length, count, offset or fid is expected. */
const EDGES = [
  0, 1, 2, 6, 7, 11, 23, 24, 127, 128, 255, 256, 4095, 4096, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
  0xffffffff,
];

type Mutation = (frame: Uint8Array) => Uint8Array;

const mutation: Arbitrary<Mutation> = fc.oneof(
  fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })).map(
    ([at, value]): Mutation =>
      (f) => {
        const out = f.slice();
        out[at % out.length] = value;
        return out;
      },
  ),
  fc.tuple(fc.nat(), fc.constantFrom(...EDGES), fc.constantFrom(2, 4)).map(
    ([at, value, width]): Mutation =>
      (f) => {
        if (f.length < 7 + width) return f;
        const out = f.slice();
        const dv = new DataView(out.buffer);
        const p = 7 + (at % (out.length - 7 - width + 1));
        if (width === 2) dv.setUint16(p, value & 0xffff, true);
        else dv.setUint32(p, value, true);
        return out;
      },
  ),
  fc.nat().map(
    (n): Mutation =>
      (f) =>
        f.slice(0, Math.max(7, f.length - 1 - (n % f.length))),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map(
    (tail): Mutation =>
      (f) => {
        const out = new Uint8Array(f.length + tail.length);
        out.set(f);
        out.set(tail, f.length);
        return out;
      },
  ),
  fc.tuple(fc.nat(), fc.nat(), fc.nat(40)).map(
    ([from, to, n]): Mutation =>
      (f) => {
        const out = f.slice();
        out.copyWithin(7 + (to % out.length), from % out.length, (from % out.length) + n);
        return out;
      },
  ),
);

/** A frame with a true size field: a message of the table with up to four mutations, or a header and any bytes. */
export const frame: Arbitrary<Uint8Array> = fc
  .oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constantFrom(...VECTORS), fc.array(mutation, { maxLength: 4 })) },
    {
      weight: 1,
      arbitrary: fc
        .uint8Array({ minLength: 7, maxLength: 300 })
        .map((bytes): [Uint8Array, Mutation[]] => [bytes, []]),
    },
  )
  .map(([start, mutations]) => {
    const out = mutations.reduce((f, m) => m(f), start).slice();
    new DataView(out.buffer).setUint32(0, out.length, true);
    return out;
  });
