// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { O_DIRECTORY, O_RDONLY } from '../../../src/base/sys.ts';
import { type Cases, type Ctx, fails } from '../case.ts';
import { many } from '../patience.ts';

/** The C library's opendir, readdir, telldir, seekdir and rewinddir. */
const LIBC = `
import ctypes; libc = ctypes.CDLL(None, use_errno=True)
libc.opendir.restype = ctypes.c_void_p; libc.readdir.restype = ctypes.c_void_p; libc.telldir.restype = ctypes.c_long
def opendir(p): return ctypes.c_void_p(libc.opendir(p.encode()))
def nextname(d):
    e = libc.readdir(d)
    return ctypes.string_at(e + 19).decode() if e else None
def rest(d):
    out = []
    while (n := nextname(d)) is not None: out.append(n)
    return out
def telldir(d): return libc.telldir(d)
def seekdir(d, at): libc.seekdir(d, ctypes.c_long(at))
`;

const openDir = (path: string): number => fs.openSync(path, O_RDONLY | O_DIRECTORY);
const names = (entries: readonly { name: Buffer }[]): string[] =>
  entries.map((e) => e.name.toString()).filter((n) => n !== '.' && n !== '..');

function fill(c: Ctx, count: number, dir = ''): string[] {
  const made = Array.from({ length: count }, (_, i) => `n${i}`);
  for (const name of made) fs.closeSync(fs.openSync(c.at(dir, name), 'wx'));
  return made;
}

/** telldir(3), seekdir(3), and folders that change between two reads. */
export const tellSeekCases: Cases = {
  'telldir before each entry, seekdir back to each: the same entry follows': (c) => {
    fill(c, 150);
    const out = c.python.run(
      `${LIBC}
d = opendir(args[0]); marks = []
while True:
    at = telldir(d); n = nextname(d)
    if n is None: break
    marks.append((at, n))
bad = 0
for at, n in marks[::-7] + marks[::11] + marks:
    seekdir(d, at); bad += nextname(d) != n
say(len(marks), bad)`,
      c.dir,
    );
    assert.equal(out, '152 0');
  },
  'seekdir to a mark, then to the end: what follows is the rest, in the same order': (c) => {
    fill(c, many(500));
    const out = c.python.run(
      `${LIBC}
d = opendir(args[0]); [nextname(d) for _ in range(60)]; at = telldir(d); rest1 = rest(d); seekdir(d, at); rest2 = rest(d)
say(len(rest1), rest1 == rest2)`,
      c.dir,
    );
    assert.equal(out, `${many(500) + 2 - 60} True`);
  },
  'rewinddir after the end begins again': (c) => {
    fill(c, 100);
    const out = c.python.run(
      `${LIBC}
d = opendir(args[0]); a = rest(d); libc.rewinddir(d); b = rest(d); say(len(a), sorted(a) == sorted(b))`,
      c.dir,
    );
    assert.equal(out, '102 True');
  },
  'seekdir over entries that were removed goes on with those that are left': (c) => {
    fill(c, 300);
    const out = c.python.run(
      `${LIBC}
d = opendir(args[0]); [nextname(d) for _ in range(100)]; at = telldir(d); after = [n for n in rest(d) if n[0] == 'n']
for n in after[:50]: os.unlink(args[0] + '/' + n)
seekdir(d, at); again = rest(d); say(set(after[50:]) <= set(again), len(again) == len(set(again)), set(again) & set(after[:50]) <= set(after))`,
      c.dir,
    );
    assert.equal(out, 'True True True');
  },
  'the mark of the end stays at the end while entries are made': (c) => {
    fill(c, 50);
    const out = c.python.run(
      `${LIBC}
d = opendir(args[0]); rest(d); at = telldir(d); seekdir(d, at); say(rest(d))`,
      c.dir,
    );
    assert.equal(out, '[]');
  },
  'entries renamed while the folder is read: each comes once or, under one of its names, at least once': (
    c,
  ) => {
    const made = fill(c, many(400));
    const fd = openDir(c.dir);
    const seen = names(c.k.getdents(fd, 1500));
    for (let i = 0; i < many(400); i += 2) fs.renameSync(c.at(`n${i}`), c.at(`renamed${i}`));
    seen.push(...names(c.k.entries(fd, 1500)));
    fs.closeSync(fd);
    assert.equal(new Set(seen).size, seen.length, 'a name came twice');
    for (const [i, n] of made.entries()) if (i % 2 === 1) assert.ok(seen.includes(n), `${n} was hidden`);
  },
  'entries replaced by rename while the folder is read are never missing': (c) => {
    const made = fill(c, 300);
    for (let round = 0; round < 3; round++) {
      const fd = openDir(c.dir);
      const seen = names(c.k.getdents(fd, 1500));
      c.folder('aside');
      for (let i = 0; i < 20; i++) {
        fs.writeFileSync(c.at('aside', 'new'), `${round}`);
        fs.renameSync(c.at('aside', 'new'), c.at(`n${i * 7}`));
      }
      fs.rmdirSync(c.at('aside'));
      seen.push(...names(c.k.entries(fd, 1500)));
      fs.closeSync(fd);
      // What is replaced may be told twice or not at all meanwhile (POSIX); the others are told once.
      for (const [i, n] of made.entries())
        if (i % 7 !== 0 || i >= 140) assert.equal(seen.filter((s) => s === n).length, 1, n);
    }
    assert.deepEqual(names(c.k.entries(openAndKeep(c, c.dir))).sort(), made.sort());
  },
  'folders inside come and go while the folder is read': (c) => {
    const made = fill(c, many(200));
    const fd = openDir(c.dir);
    const seen = names(c.k.getdents(fd, 800));
    for (let i = 0; i < 20; i++) c.folder(`d${i}`);
    for (let i = 0; i < 20; i++) fs.rmdirSync(c.at(`d${i}`));
    seen.push(...names(c.k.entries(fd, 800)));
    fs.closeSync(fd);
    assert.deepEqual(seen.filter((n) => n.startsWith('n')).sort(), made.sort());
  },
  'a folder removed half-way through its listing ends': (c) => {
    c.folder('d');
    fill(c, many(300), 'd');
    const fd = openDir(c.at('d'));
    c.k.getdents(fd, 1000);
    fs.rmSync(c.at('d'), { recursive: true });
    let more: string[] = [];
    try {
      more = names(c.k.entries(fd, 1000));
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ENOENT');
    }
    assert.ok(more.length <= 300);
    fs.closeSync(fd);
  },
  'a folder emptied and filled again with other names shows only those to a new opening': (c) => {
    for (let round = 0; round < 5; round++) {
      const made = Array.from({ length: many(60) / 2 }, (_, i) => `r${round}-${i}`);
      for (const n of made) c.file(n);
      assert.deepEqual(fs.readdirSync(c.dir).sort(), made.sort());
      for (const n of made) fs.unlinkSync(c.at(n));
      assert.deepEqual(fs.readdirSync(c.dir), []);
    }
  },
  'a folder moved half-way through its listing goes on': (c) => {
    c.folder('d');
    const made = fill(c, many(300), 'd');
    const fd = openDir(c.at('d'));
    const seen = names(c.k.getdents(fd, 1000));
    fs.renameSync(c.at('d'), c.at('e'));
    seen.push(...names(c.k.entries(fd, 1000)));
    fs.closeSync(fd);
    assert.deepEqual(seen.sort(), made.sort());
  },
  'a folder of a user who may not read it: opening is refused, a descriptor from before reads on': (c) => {
    const dir = c.folder('d');
    fill(c, 10, 'd');
    const fd = openDir(dir);
    fs.chmodSync(dir, 0o300);
    if (c.caps.root !== true) fails('EACCES', () => openDir(dir));
    assert.equal(names(c.k.entries(fd)).length, 10);
    fs.closeSync(fd);
    fs.chmodSync(dir, 0o755);
  },
  'seek to 0 on a folder that changed shows all that is there': (c) => {
    fill(c, 100);
    const fd = openDir(c.dir);
    c.k.getdents(fd, 500);
    for (let i = 0; i < 100; i += 2) fs.unlinkSync(c.at(`n${i}`));
    for (let i = 0; i < 30; i++) c.file(`m${i}`);
    c.k.seek(fd, 0, 0);
    assert.equal(names(c.k.entries(fd, 500)).length, 80);
    fs.closeSync(fd);
  },
};

function openAndKeep(c: Ctx, path: string): number {
  const fd = openDir(path);
  c.after(() => fs.closeSync(fd));
  return fd;
}
