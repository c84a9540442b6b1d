// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { O_APPEND, O_RDONLY, O_RDWR, O_WRONLY } from '../../../src/base/sys.ts';
import { type Cases, fails } from '../case.ts';
import { many } from '../patience.ts';

const BIG = 2n ** 63n - 1n;

/** A block whose every byte depends on where it stands, so that a piece in the wrong place shows. */
function pattern(size: number, seed: number): Buffer {
  const b = Buffer.allocUnsafe(size);
  for (let i = 0, x = seed >>> 0; i < size; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    b[i] = x >>> 24;
  }
  return b;
}

/** read(2), write(2) and their kin. */
export const ioCases: Cases = {
  'what was written is read, sizes around pages and messages': (c) => {
    for (const n of [1, 511, 4095, 4096, 4097, 65_535, 65_536, 65_537, 131_072, 1_000_003]) {
      const b = pattern(n, n);
      fs.writeFileSync(c.at('f'), b);
      assert.ok(fs.readFileSync(c.at('f')).equals(b), `${n} bytes`);
      assert.equal(fs.statSync(c.at('f')).size, n);
    }
  },
  '20 MiB in order': (c) => {
    const fd = fs.openSync(c.at('f'), 'w+');
    for (let i = 0; i < 20; i++) fs.writeSync(fd, pattern(1 << 20, i));
    for (let i = 0; i < 20; i++)
      assert.ok(c.k.pread(fd, 1 << 20, i << 20).equals(pattern(1 << 20, i)), `MiB ${i}`);
    fs.closeSync(fd);
    fs.writeFileSync(c.at('g'), fs.readFileSync(c.at('f')));
    assert.equal(fs.statSync(c.at('g')).size, 20 << 20);
  },
  '500 writes and reads anywhere agree with a copy in memory': (c) => {
    const size = 300_000;
    const copy = Buffer.alloc(size);
    const fd = fs.openSync(c.at('f'), 'w+');
    fs.ftruncateSync(fd, size);
    let x = 12345;
    const random = (n: number): number => {
      x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
      return x % n;
    };
    for (let i = 0; i < 500; i++) {
      const at = random(size - 1);
      const n = 1 + random(Math.min(20_000, size - at));
      if (i % 2 === 0) {
        const b = pattern(n, i);
        b.copy(copy, at);
        assert.equal(fs.writeSync(fd, b, 0, n, at), n);
      } else
        assert.ok(c.k.pread(fd, n, at).equals(copy.subarray(at, at + n)), `step ${i}: ${n} bytes at ${at}`);
    }
    fs.closeSync(fd);
    assert.ok(fs.readFileSync(c.at('f')).equals(copy));
  },
  'two descriptors write in turn, a third reads each at once': (c) => {
    const path = c.file('f', Buffer.alloc(50_000));
    const [a, b, r] = [fs.openSync(path, O_WRONLY), fs.openSync(path, O_RDWR), fs.openSync(path, O_RDONLY)];
    for (let i = 0; i < 100; i++) {
      const text = `step ${i}`;
      fs.writeSync(i % 2 === 0 ? a : b, text, i * 450);
      assert.equal(c.k.pread(r, text.length, i * 450).toString(), text);
    }
    for (const fd of [a, b, r]) fs.closeSync(fd);
  },
  'what another process writes is read at once, without opening anew': async (c) => {
    const fd = fs.openSync(c.file('f', 'before'), O_RDONLY);
    assert.equal(c.k.pread(fd, 20, 0).toString(), 'before');
    const writer = c.python.start(
      `fd = os.open(args[0], os.O_WRONLY)
while (line := hear()): os.pwrite(fd, line.encode(), 0); say('written')`,
      c.at('f'),
    );
    for (const word of ['first!', 'second, and longer', 'third']) {
      await writer.ask(word);
      assert.equal(c.k.pread(fd, word.length, 0).toString(), word);
    }
    assert.equal(fs.fstatSync(fd).size, 18);
    fs.closeSync(fd);
  },
  'offsets around 2^31 and 2^32': (c) => {
    const fd = fs.openSync(c.at('f'), 'w+');
    for (const base of [2 ** 31, 2 ** 32]) {
      c.k.pwrite(fd, 'across', base - 3);
      assert.equal(c.k.pread(fd, 6, base - 3).toString(), 'across');
      assert.equal(c.k.pread(fd, 3, base).toString(), 'oss');
      assert.equal(fs.fstatSync(fd).size, base + 3);
    }
    fs.closeSync(fd);
  },
  'the offset of read(2) and write(2) goes past 2^32': (c) => {
    const fd = fs.openSync(c.at('f'), 'w+');
    assert.equal(c.k.seek(fd, 2 ** 32 - 2, 0), 2 ** 32 - 2);
    fs.writeSync(fd, 'abcdef');
    assert.equal(c.k.seek(fd, 0, 1), 2 ** 32 + 4);
    c.k.seek(fd, 2 ** 32, 0);
    const b = Buffer.alloc(10);
    assert.equal(b.subarray(0, fs.readSync(fd, b)).toString(), 'cdef');
    assert.equal(c.k.seek(fd, 0, 2), 2 ** 32 + 4);
    fs.closeSync(fd);
  },
  'offsets around 2^40': (c) => {
    c.need('bigFiles');
    const fd = fs.openSync(c.at('f'), 'w+');
    c.k.pwrite(fd, 'across', 2 ** 40 - 3);
    assert.equal(c.k.pread(fd, 100, 2 ** 40 - 3).toString(), 'across');
    assert.equal(fs.fstatSync(fd).size, 2 ** 40 + 3);
    assert.ok(c.k.pread(fd, 4096, 2 ** 39).every((x) => x === 0));
    fs.closeSync(fd);
  },
  'offsets near 2^63: writing is refused, reading finds the end': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR);
    fails(['EFBIG', 'EINVAL'], () => c.k.pwrite(fd, 'x', BIG));
    fails(['EFBIG', 'EINVAL'], () => c.k.pwrite(fd, 'xyz', BIG - 1n));
    assert.equal(c.k.pread(fd, 1, BIG - 1n).length, 0);
    fails('EINVAL', () => c.k.pread(fd, 1, -1));
    fails('EINVAL', () => c.k.pwrite(fd, 'x', -1));
    assert.equal(fs.readFileSync(c.at('f'), 'utf8'), 'abc');
    fs.closeSync(fd);
  },
  'lseek: before the beginning is refused, behind the end is fine': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR);
    fails('EINVAL', () => c.k.seek(fd, -1, 0));
    assert.equal(c.k.seek(fd, 100, 0), 100);
    const b = Buffer.alloc(4);
    assert.equal(fs.readSync(fd, b), 0);
    assert.equal(fs.fstatSync(fd).size, 3);
    assert.equal(c.k.seek(fd, -1, 2), 2);
    fs.closeSync(fd);
  },
  'reading at and behind the end gives nothing, across it what is there': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDONLY);
    assert.equal(c.k.pread(fd, 10, 3).length, 0);
    assert.equal(c.k.pread(fd, 10, 1_000_000).length, 0);
    assert.equal(c.k.pread(fd, 10, 1).toString(), 'bc');
    assert.equal(c.k.pread(fd, 0, 0).length, 0);
    fs.closeSync(fd);
  },
  'a write of nothing changes nothing': (c) => {
    const path = c.file('f', 'abc');
    c.k.utimens(path, { sec: 1, nsec: 0 }, { sec: 2, nsec: 0 });
    const fd = fs.openSync(path, O_RDWR);
    assert.equal(c.k.pwrite(fd, '', 1000), 0);
    fs.closeSync(fd);
    assert.deepEqual([fs.statSync(path).size, fs.statSync(path).mtimeMs], [3, 2000]);
  },
  'writev and readv': (c) => {
    const fd = fs.openSync(c.at('f'), 'w+');
    const parts = [1, 4096, 0, 70_000, 3].map((n) => pattern(n, n));
    assert.equal(fs.writevSync(fd, parts), 74_100);
    const [a, b] = [Buffer.alloc(50_000), Buffer.alloc(50_000)];
    assert.equal(fs.readvSync(fd, [a, b], 0), 74_100);
    assert.ok(Buffer.concat([a, b]).subarray(0, 74_100).equals(Buffer.concat(parts)));
    fs.closeSync(fd);
  },
  'copy_file_range copies a piece': (c) => {
    const from = fs.openSync(c.file('f', pattern(100_000, 1)), O_RDONLY);
    const to = fs.openSync(c.at('g'), 'w+');
    let done = 0;
    while (done < 50_000) {
      const n = c.k.copyRange(from, 1000 + done, to, done, 50_000 - done);
      assert.ok(n > 0);
      done += n;
    }
    assert.ok(fs.readFileSync(c.at('g')).equals(pattern(100_000, 1).subarray(1000, 51_000)));
    fs.closeSync(from);
    fs.closeSync(to);
  },
  'a file copied by the kernel (sendfile) is the same': (c) => {
    c.file('f', pattern(300_000, 7));
    c.python.run('import shutil; shutil.copyfile(args[0], args[1])', c.at('f'), c.at('g'));
    assert.ok(fs.readFileSync(c.at('g')).equals(pattern(300_000, 7)));
  },
  'two processes that append lose nothing and mix nothing': async (c) => {
    const path = c.file('log');
    const code = `fd = os.open(args[0], os.O_WRONLY | os.O_APPEND); hear()
for i in range(300): os.write(fd, (args[1] * 20 + ' %d\\n' % i).encode())
say('done')`;
    const writers = ['a', 'b'].map((letter) => c.python.start(code, path, letter));
    for (const w of writers) w.say('go');
    for (const w of writers) assert.equal(await w.hear(), 'done');
    const lines = fs.readFileSync(path, 'utf8').trimEnd().split('\n');
    assert.equal(lines.length, 600);
    for (const letter of ['a', 'b'])
      assert.deepEqual(
        lines.filter((l) => l.startsWith(letter)),
        Array.from({ length: 300 }, (_, i) => `${letter.repeat(20)} ${i}`),
      );
  },
  'an appending descriptor goes to where another process left the end': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_WRONLY | O_APPEND);
    fs.writeSync(fd, 'd');
    c.python.run("open(args[0], 'a').write('EF')", c.at('f'));
    fs.writeSync(fd, 'g');
    fs.closeSync(fd);
    assert.equal(fs.readFileSync(c.at('f'), 'utf8'), 'abcdEFg');
  },
  'pwrite on an appending descriptor appends, as on Linux': (c) => {
    const fd = fs.openSync(c.file('f', 'abc'), O_RDWR | O_APPEND);
    c.k.pwrite(fd, 'd', 0);
    fs.closeSync(fd);
    assert.equal(fs.readFileSync(c.at('f'), 'utf8'), 'abcd');
  },
  'a file whose mode forbids reading is written and closed': (c) => {
    const path = c.file('f', '', 0o200);
    fs.appendFileSync(path, 'abc');
    fs.appendFileSync(path, 'def');
    fs.chmodSync(path, 0o600);
    assert.equal(fs.readFileSync(path, 'utf8'), 'abcdef');
  },
  '1,000 small files (in a guest 167), each with its own content': (c) => {
    const count = many(1000);
    for (let i = 0; i < count; i++) c.file(`f${i}`, `content ${i}`);
    for (let i = count - 1; i >= 0; i--) assert.equal(fs.readFileSync(c.at(`f${i}`), 'utf8'), `content ${i}`);
    assert.equal(fs.readdirSync(c.dir).length, count);
  },
  'eight processes read one file at once': async (c) => {
    const b = pattern(2_000_000, 3);
    const path = c.file('f', b);
    const code = `import hashlib; hear(); say(hashlib.sha256(open(args[0], 'rb').read()).hexdigest())`;
    const { createHash } = await import('node:crypto');
    const want = createHash('sha256').update(b).digest('hex');
    const readers = Array.from({ length: 8 }, () => c.python.start(code, path));
    for (const r of readers) r.say('go');
    for (const r of readers) assert.equal(await r.hear(), want);
  },
};
