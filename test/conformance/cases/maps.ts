// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import type { Cases, Ctx } from '../case.ts';

const says = (
  name: string,
  code: string,
  want: string,
  size = 16_384,
): readonly [string, (c: Ctx) => void] => [
  name,
  (c) => assert.equal(c.python.run(code, c.file('f', 'x'.repeat(size))), want),
];

/** More of mmap(2): forks, ends of files, sizes that change, large offsets. */
export const mapCases: Cases = {
  ...Object.fromEntries([
    says(
      'a shared map over fork: both see what either writes',
      `fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 0); r, w = os.pipe()
if os.fork() == 0:
    m[0:5] = b'child'; os.write(w, b'!'); os._exit(0)
os.read(r, 1); os.wait(); say(m[0:5].decode()); m.flush(); say(os.pread(fd, 5, 0).decode())`,
      'child\nchild',
    ),
    says(
      'a private map sees the file until it writes, then keeps its page',
      `fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
m[0:3] = b'own'; os.pwrite(fd, b'file', 0); say(m[0:3].decode(), os.pread(fd, 4, 0).decode())`,
      'own file',
    ),
    says(
      'what is written behind the end of the file in its last page is not in the file',
      `import ctypes
fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 100); at = ctypes.addressof(ctypes.c_char.from_buffer(m))
ctypes.memmove(at + 200, b'lost', 4); ctypes.memmove(at + 10, b'kept', 4)
libc = ctypes.CDLL(None, use_errno=True); say(libc.msync(ctypes.c_void_p(at), ctypes.c_size_t(4096), 4))
say(os.fstat(fd).st_size, len(os.pread(fd, 4096, 0)), os.pread(fd, 4, 10).decode())
os.ftruncate(fd, 300); say(os.pread(fd, 4, 200) == bytes(4))`,
      '0\n100 100 kept\nTrue',
      100,
    ),
    says(
      'a map read, the file shortened and grown again: zeros, not what was there',
      `fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 16384, prot=mmap.PROT_READ); m[8192]
os.ftruncate(fd, 4096); os.ftruncate(fd, 16384); say(m[4096:16384] == bytes(12288), m[:4096] == b'x' * 4096)`,
      'True True',
    ),
    says(
      'two maps of one file in one process show the same',
      `fd = os.open(args[0], os.O_RDWR); a = mmap.mmap(fd, 0); b = mmap.mmap(os.open(args[0], os.O_RDWR), 0)
a[5000:5003] = b'one'; say(b[5000:5003].decode()); b[5001:5002] = b'N'; say(a[5000:5003].decode())`,
      'one\noNe',
    ),
    says(
      'a piece of a map is synced, the rest comes with the last msync',
      `fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 0); m[0:1] = b'A'; m[8192:8193] = b'B'; m.flush(8192, 4096); m.flush()
say(open(args[0], 'rb').read(1).decode(), open(args[0], 'rb').read()[8192:8193].decode())`,
      'A B',
    ),
    says(
      'a map of an appending descriptor writes where it is told',
      `fd = os.open(args[0], os.O_RDWR | os.O_APPEND); m = mmap.mmap(fd, 0); m[0:1] = b'A'; m.flush(); os.write(fd, b'end')
b = open(args[0], 'rb').read(); say(b[:2].decode(), len(b), b[-3:].decode())`,
      'Ax 16387 end',
    ),
    says(
      'a descriptor for writing only cannot be mapped',
      `fd = os.open(args[0], os.O_WRONLY); say(tried(lambda: mmap.mmap(fd, 4096, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)))`,
      'EACCES',
    ),
    says(
      'a map is handed to write(2) of another file, and read(2) fills a map',
      `fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 0); out = os.open(args[0] + '2', os.O_RDWR | os.O_CREAT, 0o644)
say(os.write(out, m)); os.pwrite(out, b'new', 0); say(os.preadv(out, [m], 0)); m.flush(); say(os.pread(fd, 4, 0).decode())`,
      '16384\n16384\nnewx',
    ),
  ]),
  'a map at an offset behind 2^32': (c) => {
    fs.closeSync(fs.openSync(c.at('f'), 'w'));
    fs.truncateSync(c.at('f'), 2 ** 32 + 8192);
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 8192, offset=2**32); m[4090:4100] = b'across!!!!'; m.flush()
say(os.pread(fd, 10, 2**32 + 4090).decode(), os.pread(fd, 4, 4090) == bytes(4))`,
      c.at('f'),
    );
    assert.equal(out, 'across!!!! True');
  },
  'two processes write the two halves of one page, and both halves stay': async (c) => {
    const path = c.file('f', '.'.repeat(4096));
    const code = `fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 0); at = int(args[1]); say('mapped'); hear()
for i in range(2048): m[at + i:at + i + 1] = args[2].encode()
m.flush(); say('done')`;
    const two = [
      ['0', 'a'],
      ['2048', 'b'],
    ].map(([at, letter]) => c.python.start(code, path, at as string, letter as string));
    for (const p of two) await p.hear();
    for (const p of two) p.say('go');
    for (const p of two) assert.equal(await p.hear(), 'done');
    assert.equal(fs.readFileSync(path, 'utf8'), 'a'.repeat(2048) + 'b'.repeat(2048));
  },
  'a map of a file that is renamed and whose name is taken by another': (c) => {
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 0); os.rename(args[0], args[0] + '2'); open(args[0], 'w').write('other')
m[0:3] = b'new'; m.flush(); say(open(args[0] + '2').read()[:4], open(args[0]).read())`,
      c.file('f', 'x'.repeat(5000)),
    );
    assert.equal(out, 'newx other');
  },
};
