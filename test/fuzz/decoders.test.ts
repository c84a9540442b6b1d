// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BAD_FRAME,
  DECODED,
  decode,
  encode,
  frameSize,
  MALFORMED,
  NEED_MORE,
  UNKNOWN_TYPE,
} from '../../src/p9/codec.ts';
import { Reader, Writer } from '../../src/p9/coder.ts';
import { MAXWELEM } from '../../src/p9/constants.ts';
import { DIRENT_FIXED, Dirent, readDirent } from '../../src/p9/dirent.ts';
import { BY_TYPE, T } from '../../src/p9/messages.ts';
import { Msg } from '../../src/p9/msg.ts';
import { fuzzDecoder } from './budget.ts';
import { frame } from './frames.ts';

test('a frame is more bytes, a bad frame or a whole one, and nothing else', async (t) => {
  await fuzzDecoder(
    t,
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.nat(63),
      fc.integer({ min: 7, max: 100 }),
      (bytes, at, msize) => {
        const pos = Math.min(at, bytes.length);
        const dv = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const size = frameSize(dv, pos, bytes.length, msize);
        const have = bytes.length - pos;
        const claimed = have >= 4 ? dv.getUint32(pos, true) : undefined;
        if (claimed === undefined) assert.equal(size, NEED_MORE);
        else if (claimed < 7 || claimed > msize) assert.equal(size, BAD_FRAME);
        else assert.equal(size, claimed <= have ? claimed : NEED_MORE);
      },
    ),
  );
});

/** One Msg for all: as in a server, each message finds what the one before left there. */
const reused = new Msg();

test('any frame decodes, is unknown or is malformed; what decodes encodes to the same bytes', async (t) => {
  const out = new Uint8Array(1 << 16);
  const seen = new Map<number, number>();
  await fuzzDecoder(
    t,
    fc.property(frame, fc.nat(50), (bytes, before) => {
      // Not at the beginning of its buffer, and with other bytes behind: nothing of them may matter.
      const buffer = new Uint8Array(before + bytes.length + 30).fill(0xa5);
      buffer.set(bytes, before);
      const r = new Reader(buffer);
      r.at(before, before + bytes.length);
      const result = decode(r, reused);
      assert.ok([DECODED, UNKNOWN_TYPE, MALFORMED].includes(result));
      assert.equal(reused.type, bytes[4]);
      assert.equal(reused.tag, (bytes[5] as number) | ((bytes[6] as number) << 8));
      assert.equal(result === UNKNOWN_TYPE, BY_TYPE[reused.type] === undefined);
      seen.set(result, (seen.get(result) ?? 0) + 1);
      if (result !== DECODED) return;
      for (const span of [reused.name, reused.name2, reused.data, ...reused.names])
        assert.ok(span.off >= 0 && span.off + span.len <= span.buf.length);
      const tooMany = reused.type === T.walk ? reused.nwname : reused.type === T.walk + 1 ? reused.nwqid : 0;
      // More names than a walk may have are counted but not kept: the server refuses the message by its count.
      if (tooMany > MAXWELEM) return;
      const w = new Writer(out);
      const size = encode(w, reused);
      assert.deepEqual(Buffer.from(out.subarray(0, size)), Buffer.from(bytes));
    }),
  );
  for (const result of [DECODED, UNKNOWN_TYPE, MALFORMED])
    assert.ok((seen.get(result) ?? 0) > 10, `result ${result} was never met`);
});

test('a writer too small for a message writes nothing outside and says so', async (t) => {
  await fuzzDecoder(
    t,
    fc.property(frame, fc.nat(400), (bytes, room) => {
      const r = new Reader(bytes);
      r.at(0, bytes.length);
      if (decode(r, reused) !== DECODED || reused.nwname > MAXWELEM || reused.nwqid > MAXWELEM) return;
      const buffer = new Uint8Array(600).fill(0x5a);
      const w = new Writer(buffer);
      w.at(100, 100 + room);
      const size = encode(w, reused);
      if (size < 0) {
        assert.equal(w.pos, 100);
        assert.ok(bytes.length > room);
      } else assert.equal(size, bytes.length);
      const end = 100 + room;
      assert.ok(
        buffer.subarray(0, 100).every((b) => b === 0x5a) && buffer.subarray(end).every((b) => b === 0x5a),
      );
    }),
  );
});

test('entries of a listing move on, stay inside and end', async (t) => {
  const e = new Dirent();
  await fuzzDecoder(
    t,
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(400), (bytes, cut) => {
      const end = Math.min(cut, bytes.length);
      const dv = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let pos = 0;
      while (pos < end) {
        const next = readDirent(dv, pos, end, e);
        if (next < 0) break;
        assert.ok(next >= pos + DIRENT_FIXED && next <= end);
        assert.ok(e.nameOff + e.nameLen <= end);
        pos = next;
      }
    }),
  );
});
