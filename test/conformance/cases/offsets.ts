// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { O_APPEND, O_RDWR, O_WRONLY, type Off } from '../../../src/base/sys.ts';
import { type Cases, type Ctx, fails } from '../case.ts';

const MAX = 2n ** 63n - 1n;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** Writes across `at`, reads it back from every side. */
function across(c: Ctx, at: number): void {
  const fd = fs.openSync(c.at('f'), 'w+');
  const text = 'left|right';
  c.k.pwrite(fd, text, at - 5);
  assert.equal(fs.fstatSync(fd).size, at + 5);
  for (let i = 0; i < text.length; i++) assert.equal(c.k.pread(fd, 1, at - 5 + i).toString(), text[i]);
  assert.equal(c.k.pread(fd, 100, at - 5).toString(), text);
  assert.equal(c.k.pread(fd, 100, at).toString(), 'right');
  assert.ok(c.k.pread(fd, 4096, at - 5 - 4096).every((x) => x === 0));
  assert.equal(c.k.seek(fd, 0, 2), at + 5);
  fs.ftruncateSync(fd, at);
  assert.equal(c.k.pread(fd, 100, at - 5).toString(), 'left|');
  fs.closeSync(fd);
  assert.equal(fs.statSync(c.at('f')).size, at);
}

function whole(fd: number, size: number): Buffer {
  const b = Buffer.alloc(size + 1);
  return b.subarray(0, fs.readSync(fd, b, 0, size + 1, 0));
}

/** Where large numbers turn over, single calls larger than any message, and holes. */
export const offsetCases: Cases = {
  ...Object.fromEntries(
    [
      ['2^31', 2 ** 31],
      ['2^32', 2 ** 32],
      ['2^33', 2 ** 33],
      ['2^43', 2 ** 43],
    ].map(([name, at]) => [
      `writing and reading across ${name}`,
      (c: Ctx): void => {
        if (at === 2 ** 43) c.need('bigFiles');
        across(c, at as number);
      },
    ]),
  ),
  'appending to a file of 2^32 bytes': (c) => {
    fs.closeSync(fs.openSync(c.at('f'), 'w'));
    fs.truncateSync(c.at('f'), 2 ** 32);
    fs.appendFileSync(c.at('f'), 'end');
    const fd = fs.openSync(c.at('f'), O_RDWR | O_APPEND);
    fs.writeSync(fd, '!');
    assert.equal(c.k.pread(fd, 10, 2 ** 32).toString(), 'end!');
    fs.closeSync(fd);
  },
  'lseek: the largest offset, and what is larger': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR);
    // ext4 has no offsets behind its largest file; elsewhere 2^63 - 1 is one.
    let at: Off = 0;
    try {
      at = c.k.seek(fd, MAX, 0);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'EINVAL');
    }
    assert.ok(at === 0 || BigInt(at) === MAX);
    fails(['EINVAL', 'EOVERFLOW'], () => {
      c.k.seek(fd, MAX, 0);
      return c.k.seek(fd, 1, 1);
    });
    fails('EINVAL', () => c.k.seek(fd, 0, 99));
    assert.equal(c.k.seek(fd, 0, 2), 3);
    fs.closeSync(fd);
  },
  'reading at 2^63 - 1 and near it finds nothing or is refused': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR);
    for (const at of [MAX - 1n, MAX - 4096n, 2n ** 62n, 2n ** 53n + 1n])
      assert.equal(c.k.pread(fd, 1, at).length, 0);
    fs.closeSync(fd);
  },
  'a write beyond what the file system holds is refused with EFBIG, and nothing changes': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR);
    for (const at of [MAX - 10n, 2n ** 62n])
      fails(['EFBIG', 'EINVAL', 'ENOSPC'], () => c.k.pwrite(fd, 'x', at));
    assert.equal(fs.fstatSync(fd).size, 3);
    fs.closeSync(fd);
  },
  'a file limited by RLIMIT_FSIZE: a short write up to the limit, then EFBIG': (c) => {
    const out = c.python.run(
      `import resource; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
fd = os.open(args[0], os.O_RDWR | os.O_CREAT); say(os.write(fd, b'x' * 20), tried(lambda: os.write(fd, b'y')), tried(lambda: os.ftruncate(fd, 11)), os.fstat(fd).st_size)`,
      c.at('f'),
    );
    assert.equal(out, '10 EFBIG EFBIG 10');
  },
  'one write and one read of 9 MiB': (c) => {
    const size = 9 * 2 ** 20 + 13;
    const b = Buffer.alloc(size);
    for (let i = 0; i < size; i += 4096) b.writeUInt32LE(i, i);
    const fd = fs.openSync(c.at('f'), 'w+');
    assert.equal(fs.writeSync(fd, b, 0, size, 0), size);
    assert.ok(whole(fd, size).equals(b));
    fs.closeSync(fd);
  },
  'a read over the end in one large call stops there': (c) => {
    const b = Buffer.alloc(3 * 2 ** 20 + 1, 7);
    const fd = fs.openSync(c.file('f', b), O_RDWR);
    const big = Buffer.alloc(8 * 2 ** 20);
    assert.equal(fs.readSync(fd, big, 0, big.length, 5), b.length - 5);
    fs.closeSync(fd);
  },
  'pwritev and preadv of many pieces at an offset': (c) => {
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDWR | os.O_CREAT); parts = [bytes([i % 256]) * i for i in range(1, 200)]
n = os.pwritev(fd, parts, 4095); say(n == sum(map(len, parts)), os.fstat(fd).st_size == 4095 + n)
bufs = [bytearray(777) for _ in range(n // 777 + 1)]; say(os.preadv(fd, bufs, 4095) == n, b''.join(bufs)[:n] == b''.join(parts))`,
      c.at('f'),
    );
    assert.equal(out, 'True True\nTrue True');
  },
  'pwritev2 with RWF_APPEND appends, and leaves the offset of the descriptor': (c) => {
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDWR); os.lseek(fd, 1, 0); os.pwritev(fd, [b'end'], 0, 0x10); os.write(fd, b'X'); say(open(args[0]).read())`,
      c.file('f', 'abc'),
    );
    assert.equal(out, 'aXcend');
  },
  'copy_file_range within one file, apart and overlapping': (c) => {
    const fd = fs.openSync(c.file('f', `${'a'.repeat(5000)}${'b'.repeat(5000)}`), O_RDWR);
    let done = 0;
    while (done < 5000) done += c.k.copyRange(fd, done, fd, 5000 + done, 5000 - done);
    assert.equal(whole(fd, 10_000).toString(), 'a'.repeat(10_000));
    fails('EINVAL', () => c.k.copyRange(fd, 0, fd, 10, 100));
    fs.closeSync(fd);
  },
  'copy_file_range past the end copies nothing, and to a descriptor for reading is refused': (c) => {
    const from = fs.openSync(c.file('f', 'abc'), 'r');
    const to = fs.openSync(c.at('g'), 'w+');
    assert.equal(c.k.copyRange(from, 3, to, 0, 100), 0);
    assert.equal(c.k.copyRange(from, 1, to, 5, 100), 2);
    fails('EBADF', () => c.k.copyRange(to, 0, from, 0, 1));
    fs.closeSync(from);
    fs.closeSync(to);
    assert.deepEqual(fs.readFileSync(c.at('g')), Buffer.from('\0\0\0\0\0bc'));
  },
  'splice from a pipe into a file and back': (c) => {
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDWR | os.O_CREAT); r, w = os.pipe(); os.write(w, b'through a pipe')
say(os.splice(r, fd, 14, offset_dst=5)); say(os.splice(fd, w, 9, offset_src=5), os.read(r, 100).decode())`,
      c.at('f'),
    );
    assert.equal(out, '14\n9 through a');
  },
  'writing to a descriptor for reading gives EBADF by every call': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), 'r');
    fails('EBADF', () => c.k.pwrite(fd, 'x', 0));
    fails('EBADF', () => fs.writevSync(fd, [Buffer.from('x')]));
    fails('EINVAL', () => fs.ftruncateSync(fd, 0));
    fails(['EBADF', 'EOPNOTSUPP'], () => c.k.fallocate(fd, 0, 0, 10));
    fs.closeSync(fd);
    assert.equal(fs.readFileSync(c.at('f'), 'utf8'), 'abc');
  },
  'reading a descriptor for writing gives EBADF by every call': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_WRONLY);
    fails('EBADF', () => c.k.pread(fd, 1, 0));
    fails('EBADF', () => fs.readvSync(fd, [Buffer.alloc(1)]));
    fs.closeSync(fd);
  },
  'ten holes between ten pieces read as zeros, before and after opening anew': (c) => {
    const fd = fs.openSync(c.at('f'), 'w+');
    for (let i = 0; i < 10; i++) c.k.pwrite(fd, `piece ${i}`, i * 200_000 + 100_000);
    const check = (d: number): void => {
      const b = whole(d, 2_000_000);
      assert.equal(b.length, 1_900_007);
      for (let i = 0; i < 10; i++) {
        const at = i * 200_000 + 100_000;
        assert.equal(b.subarray(at, at + 7).toString(), `piece ${i}`);
        b.fill(0, at, at + 7);
      }
      assert.ok(b.every((x) => x === 0));
    };
    check(fd);
    fs.closeSync(fd);
    const again = fs.openSync(c.at('f'), 'r');
    check(again);
    fs.closeSync(again);
  },
  'SEEK_DATA and SEEK_HOLE walk over many holes': (c) => {
    c.need('holes');
    const fd = fs.openSync(c.at('f'), 'w+');
    const block = Buffer.alloc(65_536, 1);
    for (let i = 0; i < 8; i++) c.k.pwrite(fd, block, (2 * i + 1) * 65_536);
    fs.fsyncSync(fd);
    const found: Off[] = [];
    for (let at: Off = 0; ; ) {
      try {
        const data = c.k.seek(fd, at, SEEK_DATA);
        at = c.k.seek(fd, data, SEEK_HOLE);
        found.push(data);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ENXIO');
        break;
      }
    }
    assert.deepEqual(
      found,
      Array.from({ length: 8 }, (_, i) => (2 * i + 1) * 65_536),
    );
    fs.closeSync(fd);
  },
  'SEEK_DATA before the beginning and at the end gives ENXIO': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), 'r');
    for (const whence of [SEEK_DATA, SEEK_HOLE]) {
      fails(['ENXIO', 'EINVAL'], () => c.k.seek(fd, -1, whence));
      fails('ENXIO', () => c.k.seek(fd, 3, whence));
      fails('ENXIO', () => c.k.seek(fd, 1000, whence));
    }
    assert.equal(c.k.seek(fd, 1, SEEK_HOLE), 3);
    fs.closeSync(fd);
  },
  'the tail of the last block is zeros after growing: by write, by truncate, by write behind it': (c) => {
    for (const [i, grow] of (
      [
        (fd: number) => c.k.pwrite(fd, 'x', 9000),
        (fd: number) => c.k.truncate(fd, 9001),
        (fd: number) => {
          c.k.truncate(fd, 5000);
          c.k.pwrite(fd, 'x', 9000);
        },
      ] as const
    ).entries()) {
      const fd = fs.openSync(c.file(`f${i}`, 'y'.repeat(4000)), O_RDWR);
      c.k.truncate(fd, 10);
      grow(fd);
      const b = whole(fd, 9001);
      assert.equal(b.length, 9001);
      assert.ok(
        b.subarray(10, 9000).every((x) => x === 0),
        `way ${i}`,
      );
      fs.closeSync(fd);
    }
  },
};
