// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { S_IFIFO, S_IFSOCK } from '../../../src/base/stat.ts';
import { O_DIRECTORY, O_RDONLY } from '../../../src/base/sys.ts';
import { type Cases, type Ctx, fails } from '../case.ts';
import { many } from '../patience.ts';

const openDir = (path: string): number => fs.openSync(path, O_RDONLY | O_DIRECTORY);

function fill(c: Ctx, count: number, width = 0): string[] {
  const names = Array.from({ length: count }, (_, i) => `n${String(i).padStart(width, '0')}`);
  for (const name of names) fs.closeSync(fs.openSync(c.at(name), 'wx'));
  return names;
}

const names = (entries: readonly { name: Buffer }[]): string[] =>
  entries.map((e) => e.name.toString()).filter((n) => n !== '.' && n !== '..');

/** getdents64(2) and its cookies: what readdir(3), telldir(3) and seekdir(3) stand on. */
export const readdirCases: Cases = {
  'an empty folder has . and ..': (c) => {
    const fd = openDir(c.dir);
    const all = c.k.entries(fd);
    assert.deepEqual(all.map((e) => e.name.toString()).sort(), ['.', '..']);
    assert.ok(all.every((e) => e.type === 4));
    fs.closeSync(fd);
  },
  '1,500 entries (in a guest 250), each once': (c) => {
    const made = fill(c, many(1500));
    assert.deepEqual(fs.readdirSync(c.dir).sort(), made.sort());
  },
  '400 entries of 255 bytes, each once': (c) => {
    const made = fill(c, many(400), 254);
    assert.deepEqual(fs.readdirSync(c.dir).sort(), made.sort());
  },
  'every kind is named right, or not at all': (c) => {
    c.file('reg');
    c.folder('dir');
    fs.symlinkSync('x', c.at('lnk'));
    c.k.mknod(c.at('fifo'), S_IFIFO | 0o644);
    c.k.mknod(c.at('sock'), S_IFSOCK | 0o644);
    const fd = openDir(c.dir);
    const kinds: Record<string, number> = { reg: 8, dir: 4, lnk: 10, fifo: 1, sock: 12 };
    for (const e of c.k.entries(fd)) {
      const want = kinds[e.name.toString()];
      if (want !== undefined) assert.ok(e.type === want || e.type === 0, `${e.name}: ${e.type}`);
    }
    fs.closeSync(fd);
  },
  'the inode numbers are those of stat': (c) => {
    fill(c, 50);
    const fd = openDir(c.dir);
    for (const e of c.k.entries(fd)) {
      if (e.name.toString() === '..') continue;
      assert.equal(e.ino, fs.lstatSync(c.at(e.name.toString()), { bigint: true }).ino, e.name.toString());
    }
    fs.closeSync(fd);
  },
  'with a buffer for one or two entries at a time, each once': (c) => {
    const made = fill(c, 200, 60);
    const fd = openDir(c.dir);
    assert.deepEqual(names(c.k.entries(fd, 100)).sort(), made.sort());
    fs.closeSync(fd);
  },
  'a buffer too small for one entry gives EINVAL': (c) => {
    fill(c, 1, 200);
    const fd = openDir(c.dir);
    fails('EINVAL', () => c.k.entries(fd, 40));
    fs.closeSync(fd);
  },
  'what is made while reading does not double or hide the rest': (c) => {
    const made = fill(c, many(600));
    const fd = openDir(c.dir);
    const seen = names(c.k.getdents(fd, 2000));
    for (let i = 0; i < many(300); i++) c.file(`later${i}`);
    seen.push(...names(c.k.entries(fd, 2000)));
    fs.closeSync(fd);
    assert.equal(new Set(seen).size, seen.length, 'an entry came twice');
    assert.deepEqual(seen.filter((n) => n.startsWith('n')).sort(), made.sort());
  },
  'what is removed while reading does not double or hide the rest': (c) => {
    const made = fill(c, many(600));
    const fd = openDir(c.dir);
    const seen = names(c.k.getdents(fd, 2000));
    const gone = made.filter((n, i) => i % 3 === 0 && !seen.includes(n));
    for (const n of gone) fs.unlinkSync(c.at(n));
    seen.push(...names(c.k.entries(fd, 2000)));
    fs.closeSync(fd);
    assert.equal(new Set(seen).size, seen.length, 'an entry came twice');
    for (const n of made) if (!gone.includes(n)) assert.ok(seen.includes(n), `${n} was hidden`);
  },
  'each entry removed as it is read: the folder ends up empty in one pass': (c) => {
    fill(c, many(800));
    const fd = openDir(c.dir);
    for (;;) {
      const some = c.k.getdents(fd, 1000);
      if (some.length === 0) break;
      for (const n of names(some)) fs.unlinkSync(c.at(n));
    }
    fs.closeSync(fd);
    assert.deepEqual(fs.readdirSync(c.dir), []);
  },
  'another process makes and removes while this one lists: what stays comes once': async (c) => {
    const made = fill(c, 300);
    const busy = c.python.start(
      `import select; i = 0; say('ready')
while not select.select([sys.stdin], [], [], 0)[0]:
    p = args[0] + '/busy%d' % (i % 50); i += 1
    open(p, 'w').close(); os.unlink(p)
say('done')`,
      c.dir,
    );
    await busy.hear();
    for (let i = 0; i < 10; i++) {
      const fd = openDir(c.dir);
      const seen = names(c.k.entries(fd, 1000)).filter((n) => n.startsWith('n'));
      fs.closeSync(fd);
      assert.deepEqual(seen.sort(), made.sort());
    }
    assert.equal(await busy.ask('stop'), 'done');
  },
  'seekdir to any cookie goes on with the next entry': (c) => {
    fill(c, 120);
    const fd = openDir(c.dir);
    const all = c.k.entries(fd, 500);
    for (const i of [0, 1, 7, 60, 119, 3, all.length - 2]) {
      c.k.seek(fd, all[i]?.off ?? 0n, 0);
      const next = c.k.getdents(fd, 500)[0];
      assert.deepEqual(next?.name, all[i + 1]?.name, `after entry ${i}`);
    }
    fs.closeSync(fd);
  },
  'cookies are all different, and none is 0': (c) => {
    fill(c, 300);
    const fd = openDir(c.dir);
    const offs = c.k.entries(fd).map((e) => e.off);
    assert.equal(new Set(offs).size, offs.length);
    assert.ok(!offs.includes(0n));
    fs.closeSync(fd);
  },
  'rewinddir shows what was made since': (c) => {
    fill(c, 5);
    const fd = openDir(c.dir);
    assert.equal(names(c.k.entries(fd)).length, 5);
    c.file('later');
    c.k.seek(fd, 0, 0);
    assert.ok(names(c.k.entries(fd)).includes('later'));
    fs.closeSync(fd);
  },
  'two descriptors read on their own': (c) => {
    const made = fill(c, 100);
    const [a, b] = [openDir(c.dir), openDir(c.dir)];
    const first = c.k.getdents(a, 500);
    assert.deepEqual(names(c.k.entries(b)).sort(), made.sort());
    assert.deepEqual(names([...first, ...c.k.entries(a, 500)]).sort(), made.sort());
    fs.closeSync(a);
    fs.closeSync(b);
  },
  'a new entry is listed by an opening that comes after it, also one made by another process': (c) => {
    for (let i = 0; i < 10; i++) {
      c.file(`f${i}`);
      assert.equal(fs.readdirSync(c.dir).length, 2 * i + 1);
      c.python.run("open(args[0], 'w').close()", c.at(`p${i}`));
      assert.equal(fs.readdirSync(c.dir).length, 2 * i + 2);
    }
  },
  'getdents on a file gives ENOTDIR': (c) => {
    const fd = fs.openSync(c.file('f'), O_RDONLY);
    fails('ENOTDIR', () => c.k.getdents(fd));
    fs.closeSync(fd);
  },
  'a deep listing (find) meets every file once': (c) => {
    let made = 0;
    const make = (dir: string, depth: number): void => {
      for (let i = 0; i < 6; i++) {
        fs.writeFileSync(`${dir}/f${i}`, '');
        made++;
        if (depth === 0) continue;
        fs.mkdirSync(`${dir}/d${i}`);
        make(`${dir}/d${i}`, depth - 1);
      }
    };
    make(c.folder('tree'), many(100) < 100 ? 2 : 3);
    const found = fs
      .readdirSync(c.at('tree'), { recursive: true, withFileTypes: true })
      .filter((e) => e.isFile());
    assert.equal(found.length, made);
  },
};
