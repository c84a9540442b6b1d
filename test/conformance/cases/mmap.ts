// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { O_RDWR } from '../../../src/base/sys.ts';
import type { Cases } from '../case.ts';

/** Maps `args[0]` shared, then obeys: `r OFF LEN`, `w OFF TEXT`, `sync`. */
const MAPPER = `
fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 0)
say('mapped')
while (line := hear()):
    word, *rest = line.split(' ')
    if word == 'r': say(m[int(rest[0]):int(rest[0]) + int(rest[1])].decode())
    elif word == 'w': m[int(rest[0]):int(rest[0]) + len(rest[1])] = rest[1].encode(); say('ok')
    elif word == 'sync': m.flush(); say('ok')
`;

/** mmap(2), in child processes: Node has none. */
export const mmapCases: Cases = {
  'a private and a shared map show the content': (c) => {
    const path = c.file('f', 'x'.repeat(10_000));
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDONLY)
for flags in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
    m = mmap.mmap(fd, 0, flags=flags, prot=mmap.PROT_READ); say(len(m), m[:] == b'x' * 10000)`,
      path,
    );
    assert.equal(out, '10000 True\n10000 True');
  },
  'what is written through a shared map is read by read(2) of the same process': (c) => {
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 0)
m[5000:5003] = b'new'; say(os.pread(fd, 3, 5000).decode())`,
      c.file('f', 'x'.repeat(10_000)),
    );
    assert.equal(out, 'new');
  },
  'what is written through a shared map is in the file after msync, and after the process ended': async (
    c,
  ) => {
    const path = c.file('f', 'x'.repeat(10_000));
    const p = c.python.start(MAPPER, path);
    assert.equal(await p.hear(), 'mapped');
    await p.ask('w 4095 across');
    await p.ask('sync');
    assert.equal(fs.readFileSync(path, 'utf8').slice(4095, 4101), 'across');
    await p.ask('w 0 unsynced');
    assert.equal(await p.ended(), 0);
    assert.equal(fs.readFileSync(path, 'utf8').slice(0, 8), 'unsynced');
  },
  'two processes share a map': async (c) => {
    const path = c.file('f', '.'.repeat(8192));
    const [a, b] = [c.python.start(MAPPER, path), c.python.start(MAPPER, path)];
    assert.deepEqual([await a.hear(), await b.hear()], ['mapped', 'mapped']);
    for (let i = 0; i < 10; i++) {
      const [from, to] = i % 2 === 0 ? [a, b] : [b, a];
      await from.ask(`w ${i * 700} word${i}`);
      assert.equal(await to.ask(`r ${i * 700} 5`), `word${i}`);
    }
  },
  'write(2) by another process is seen in a map': async (c) => {
    const path = c.file('f', '.'.repeat(8192));
    const p = c.python.start(MAPPER, path);
    await p.hear();
    assert.equal(await p.ask('r 100 3'), '...');
    const fd = fs.openSync(path, O_RDWR);
    fs.writeSync(fd, 'new', 100);
    assert.equal(await p.ask('r 100 3'), 'new');
    fs.closeSync(fd);
  },
  'a private map keeps its changes to itself': (c) => {
    const path = c.file('f', 'x'.repeat(5000));
    c.python.run(
      `fd = os.open(args[0], os.O_RDONLY); m = mmap.mmap(fd, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ|mmap.PROT_WRITE)
m[:3] = b'new'; assert m[:4] == b'newx'`,
      path,
    );
    assert.equal(fs.readFileSync(path, 'utf8').slice(0, 3), 'xxx');
  },
  'a shared writable map of a read-only descriptor is refused': (c) => {
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDONLY)
say(tried(lambda: mmap.mmap(fd, 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ|mmap.PROT_WRITE)))`,
      c.file('f', 'abc'),
    );
    assert.equal(out, 'EACCES');
  },
  'a map outlives its descriptor and its name': (c) => {
    const out = c.python.run(
      `fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 0); os.close(fd); os.unlink(args[0])
m[:3] = b'new'; m.flush(); say(m[:6].decode())`,
      c.file('f', 'abcdef'),
    );
    assert.equal(out, 'newdef');
  },
  'touching a map behind the new end of a truncated file raises SIGBUS': (c) => {
    const ending = c.python.ending(
      `fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 16384)
os.ftruncate(fd, 100); m[8192]`,
      c.file('f', 'x'.repeat(16_384)),
    );
    assert.equal(ending, 'SIGBUS');
  },
  'a map is extended by growing the file first': (c) => {
    const path = c.file('f', 'abc');
    c.python.run(
      `fd = os.open(args[0], os.O_RDWR); os.ftruncate(fd, 100000); m = mmap.mmap(fd, 100000)
m[99990:99993] = b'end'`,
      path,
    );
    const b = fs.readFileSync(path);
    assert.deepEqual([b.length, b.subarray(99_990, 99_993).toString()], [100_000, 'end']);
  },
  'a map of a sparse file reads zeros and writes into the hole': (c) => {
    const path = c.file('f');
    fs.truncateSync(path, 1 << 20);
    c.python.run(
      `fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 0)
assert m[500000] == 0; m[700000:700003] = b'new'`,
      path,
    );
    assert.equal(fs.readFileSync(path).subarray(700_000, 700_003).toString(), 'new');
  },
  'writing through a map moves the mtime by msync at the latest': (c) => {
    const path = c.file('f', 'abcdef');
    c.k.utimens(path, { sec: 1, nsec: 0 }, { sec: 2, nsec: 0 });
    c.python.run(
      'fd = os.open(args[0], os.O_RDWR); m = mmap.mmap(fd, 0); m[0] = 65; m.flush(); os.close(fd)',
      path,
    );
    assert.ok(fs.statSync(path).mtimeMs > 1_000_000_000_000);
  },
  'a program and its library are run from the folder': (c) => {
    fs.copyFileSync('/bin/cat', c.at('cat'));
    fs.chmodSync(c.at('cat'), 0o755);
    const done = spawnSync(c.at('cat'), [c.file('f', 'abc')], { encoding: 'utf8' });
    assert.equal(done.stdout, 'abc');
  },
  'an sqlite database with a write-ahead log (mmap, locks, fsync)': async (c) => {
    const code = `
import sqlite3
db = sqlite3.connect(args[0], timeout=20, isolation_level=None)
say(db.execute('pragma journal_mode=' + args[1]).fetchone()[0]); db.execute('create table if not exists t(x)')
hear()
for i in range(25): db.execute('insert into t values(?)', (i,))
say('done'); hear(); say(db.execute('select count(*) from t').fetchone()[0], db.execute('pragma integrity_check').fetchone()[0])`;
    for (const mode of ['wal', 'delete']) {
      const path = c.at(`${mode}.db`);
      const first = c.python.start(code, path, mode);
      assert.equal(await first.hear(), mode);
      const second = c.python.start(code, path, mode);
      assert.equal(await second.hear(), mode);
      first.say('go');
      second.say('go');
      assert.deepEqual([await first.hear(), await second.hear()], ['done', 'done']);
      assert.equal(await first.ask('count'), '50 ok');
      assert.equal(await second.ask('count'), '50 ok');
    }
  },
};
