// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mem } from '../base/mem.ts';
import { S_IFDIR, S_IFIFO, S_IFREG, StatBuf } from '../base/stat.ts';
import { qidVersion } from './qid.ts';

/** Changed so many milliseconds ago. `fraction`: on a file system that keeps one of the second. */
function changed(ago: number, fraction: boolean, size = 8, mode = S_IFREG): StatBuf {
  const mem = new Mem(new Uint8Array(256), 0);
  const at = Date.now() - ago;
  mem.dv.setUint32(96, Math.floor(at / 1000), true);
  mem.dv.setUint32(104, fraction ? (at % 1000) * 1e6 + 1 : 0, true);
  mem.dv.setUint32(40, size, true);
  mem.dv.setUint16(28, mode, true);
  return new StatBuf(mem);
}

test('qid.version stays for as long as nothing changes, and is another with another time or size', () => {
  for (const fraction of [true, false]) {
    const s = changed(5000, fraction);
    assert.equal(qidVersion(s), qidVersion(s));
    assert.notEqual(qidVersion(s), qidVersion(changed(7000, fraction)));
    const other = changed(0, fraction, 9);
    for (const at of [96, 104]) other.mem.dv.setUint32(at, s.mem.dv.getUint32(at, true), true);
    assert.notEqual(qidVersion(s), qidVersion(other));
  }
  const second = changed(1000, true);
  assert.equal(qidVersion(second), qidVersion(second), 'fractions of a second tell changes apart');
});

test('no version is told twice of what may change once more in the same tick', () => {
  for (const s of [changed(0, true), changed(0, false), changed(1000, false)]) {
    const seen = new Set(Array.from({ length: 1000 }, () => qidVersion(s)));
    assert.equal(seen.size, 1000);
    assert.ok(!seen.has(0));
    // The plain one, once it has settled.
    const { dv } = s.mem;
    const plain =
      Math.imul(dv.getUint32(96, true), 0x9e3779b1) ^ dv.getUint32(104, true) ^ Math.imul(8, 0x85ebca6b);
    assert.ok(!seen.has(plain >>> 0));
  }
});

test('what has no contents to keep is told by its time alone: whoever made it just now knows it again', () => {
  for (const mode of [S_IFDIR, S_IFIFO]) {
    const s = changed(0, true, 8, mode);
    assert.equal(qidVersion(s), qidVersion(s));
  }
});

test('a time far ahead of the clock is no fresh one', () => {
  const s = changed(-100_000, true);
  assert.equal(qidVersion(s), qidVersion(s));
});
