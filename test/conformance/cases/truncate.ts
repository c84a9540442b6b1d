// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { O_RDONLY, O_RDWR, O_WRONLY } from '../../../src/base/sys.ts';
import { ALICE, type Cases, fails } from '../case.ts';

const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** truncate(2), ftruncate(2), fallocate(2) and holes. */
export const truncateCases: Cases = {
  'shorter: the rest is gone': (c) => {
    const path = c.file('f', 'abcdef');
    fs.truncateSync(path, 2);
    assert.equal(fs.readFileSync(path, 'utf8'), 'ab');
    fs.truncateSync(path, 0);
    assert.equal(fs.statSync(path).size, 0);
  },
  'longer: zeros follow': (c) => {
    const path = c.file('f', 'abc');
    fs.truncateSync(path, 10_000);
    const b = fs.readFileSync(path);
    assert.equal(b.length, 10_000);
    assert.equal(b.subarray(0, 3).toString(), 'abc');
    assert.ok(b.subarray(3).every((x) => x === 0));
  },
  'shorter and longer again shows zeros, not what was there': (c) => {
    const path = c.file('f', 'x'.repeat(10_000));
    assert.equal(fs.readFileSync(path).length, 10_000);
    fs.truncateSync(path, 100);
    fs.truncateSync(path, 10_000);
    assert.ok(
      fs
        .readFileSync(path)
        .subarray(100)
        .every((x) => x === 0),
    );
  },
  'the same with one descriptor and writes between': (c) => {
    const fd = fs.openSync(c.at('f'), 'w+');
    for (const [size, at] of [
      [5000, 6000],
      [4096, 12_288],
      [1, 4095],
      [8191, 8192],
    ] as const) {
      fs.writeSync(fd, 'x'.repeat(16_384), 0);
      fs.ftruncateSync(fd, size);
      fs.writeSync(fd, 'y', at);
      const gap = c.k.pread(fd, 20_000, size);
      assert.equal(gap.length, at - size + 1);
      assert.ok(
        gap.subarray(0, -1).every((b) => b === 0),
        `size ${size}`,
      );
    }
    fs.closeSync(fd);
  },
  'a truncation by another process is seen by a descriptor that read before': (c) => {
    const fd = fs.openSync(c.file('f', 'abcdef'), O_RDONLY);
    assert.equal(c.k.pread(fd, 6, 0).toString(), 'abcdef');
    c.python.run('os.truncate(args[0], 3)', c.at('f'));
    assert.equal(fs.fstatSync(fd).size, 3);
    assert.equal(c.k.pread(fd, 6, 0).toString(), 'abc');
    fs.closeSync(fd);
  },
  'sizes around 2^31, 2^32 and 2^33': (c) => {
    const fd = fs.openSync(c.at('f'), 'w+');
    for (const base of [2 ** 31, 2 ** 32, 2 ** 33])
      for (const size of [base - 1, base, base + 1]) {
        fs.ftruncateSync(fd, size);
        assert.equal(fs.fstatSync(fd).size, size);
      }
    fs.closeSync(fd);
  },
  'a size that no file system has is refused, and nothing changes': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR);
    fails(['EFBIG', 'EINVAL'], () => c.k.truncate(fd, 2n ** 63n - 1n));
    fails('EINVAL', () => c.k.truncate(fd, -1));
    assert.equal(fs.fstatSync(fd).size, 3);
    fs.closeSync(fd);
  },
  'ftruncate needs a descriptor for writing': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDONLY);
    fails('EINVAL', () => fs.ftruncateSync(fd, 1));
    fs.closeSync(fd);
  },
  'truncate of a folder gives EISDIR, of nothing ENOENT': (c) => {
    const code = 'say(tried(lambda: os.truncate(args[0], 0)), tried(lambda: os.truncate(args[1], 0)))';
    assert.equal(c.python.run(code, c.dir, c.at('none')), 'EISDIR ENOENT');
  },
  'truncate needs the right to write': (c) => {
    c.need('root');
    const path = c.file('f', 'abc', 0o644);
    fails('EACCES', () => c.as(ALICE, ALICE, [], () => fs.truncateSync(path, 1)));
    assert.equal(fs.statSync(path).size, 3);
  },
  'a file of zeros made by truncation takes no blocks': (c) => {
    const path = c.file('f');
    fs.truncateSync(path, 1 << 30);
    assert.ok(fs.statSync(path).blocks < 64);
  },
  'a hole between two writes reads as zeros': (c) => {
    const fd = fs.openSync(c.at('f'), 'w+');
    fs.writeSync(fd, 'begin', 0);
    fs.writeSync(fd, 'end', 1_000_000);
    const gap = c.k.pread(fd, 1_000_000 - 5, 5);
    assert.equal(gap.length, 1_000_000 - 5);
    assert.ok(gap.every((b) => b === 0));
    assert.equal(c.k.pread(fd, 3, 1_000_000).toString(), 'end');
    fs.closeSync(fd);
  },
  'SEEK_DATA and SEEK_HOLE find the hole': (c) => {
    c.need('holes');
    const fd = fs.openSync(c.at('f'), 'w+');
    fs.writeSync(fd, 'x'.repeat(65_536), 1 << 20);
    assert.equal(c.k.seek(fd, 0, SEEK_DATA), 1 << 20);
    assert.equal(c.k.seek(fd, 0, SEEK_HOLE), 0);
    assert.equal(c.k.seek(fd, 1 << 20, SEEK_HOLE), (1 << 20) + 65_536);
    fails('ENXIO', () => c.k.seek(fd, 1 << 21, SEEK_DATA));
    fs.closeSync(fd);
  },
  'without holes, SEEK_DATA and SEEK_HOLE take all for data': (c) => {
    const fd = fs.openSync(c.file('f', 'x'.repeat(10_000)), O_RDWR);
    assert.equal(c.k.seek(fd, 0, SEEK_DATA), 0);
    assert.equal(c.k.seek(fd, 0, SEEK_HOLE), 10_000);
    fails('ENXIO', () => c.k.seek(fd, 10_000, SEEK_DATA));
    fs.closeSync(fd);
  },
  'fallocate reserves, with and without growing the file': (c) => {
    c.need('fallocate');
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR);
    c.k.fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1 << 20);
    assert.equal(fs.fstatSync(fd).size, 3);
    assert.ok(fs.fstatSync(fd).blocks >= 2048);
    c.k.fallocate(fd, 0, 0, 1 << 20);
    assert.equal(fs.fstatSync(fd).size, 1 << 20);
    fs.closeSync(fd);
  },
  'fallocate punches a hole': (c) => {
    c.need('fallocate');
    const fd = fs.openSync(c.file('f', 'x'.repeat(65_536)), O_RDWR);
    c.k.fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 4096, 8192);
    const b = c.k.pread(fd, 65_536, 0);
    assert.ok(b.subarray(4096, 12_288).every((x) => x === 0));
    assert.deepEqual([b[4095], b[12_288], b.length], [0x78, 0x78, 65_536]);
    fs.closeSync(fd);
  },
  'posix_fallocate works with or without the file system\u2019s help': (c) => {
    const out = c.python.run(
      'fd = os.open(args[0], os.O_RDWR|os.O_CREAT); os.posix_fallocate(fd, 0, 100000); say(os.fstat(fd).st_size)',
      c.at('f'),
    );
    assert.equal(out, '100000');
  },
  'a write only descriptor of a file truncates it': (c) => {
    const fd = fs.openSync(c.file('f', 'abcdef', 0o200), O_WRONLY);
    fs.ftruncateSync(fd, 4);
    assert.equal(fs.fstatSync(fd).size, 4);
    fs.closeSync(fd);
  },
};
