// SPDX-License-Identifier: MIT
// list-folder PATH COUNT HOW…: lists a folder of COUNT entries `stay-000000`… and whatever else comes and goes, once for each HOW, and prints what it saw.
// HOW: `readdir` (the C library's, through Node), a number (getdents64(2) with a buffer of so many bytes), `looks` (lstat(2) of an entry now and then, which
// makes the kernel ask for attributes along with some parts of the listing and not with others), or `seek` (telldir and seekdir).

import { lstatSync, opendirSync } from 'node:fs';
import { join } from 'node:path';
import type { Mem } from '../../src/base/mem.ts';
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, type Off } from '../../src/base/sys.ts';
import { openSys } from '../../src/linux/index.ts';

/** What one listing showed. */
export interface Listing {
  /** Of the entries that stay: how many were shown just once, never, more often. */
  once: number;
  never: number;
  more: number;
  /** Entries beside them, without `.` and `..`. */
  others: number;
  /** For `seek`: places gone back to, and how many of them showed another entry than the first time. */
  places: number;
  strayed: number;
}

const [path = '', countText = '', ...hows] = process.argv.slice(2);
const count = Number(countText);
const sys = openSys();
const SEEK_SET = 0;

/** Counts names. */
class Tally {
  readonly seen = new Uint8Array(count);
  others = 0;

  see(name: string): void {
    if (name === '.' || name === '..') return;
    const i = name.startsWith('stay-') ? Number(name.slice(5)) : -1;
    if (i >= 0 && i < count) this.seen[i] = Math.min(255, (this.seen[i] ?? 0) + 1);
    else this.others++;
  }

  result(places = 0, strayed = 0): Listing {
    const times = (f: (n: number) => boolean): number =>
      this.seen.reduce((sum, n) => sum + (f(n) ? 1 : 0), 0);
    return {
      once: times((n) => n === 1),
      never: times((n) => n === 0),
      more: times((n) => n > 1),
      others: this.others,
      places,
      strayed,
    };
  }
}

function byReaddir(): Listing {
  const tally = new Tally();
  const dir = opendirSync(path);
  for (let e = dir.readSync(); e !== null; e = dir.readSync()) tally.see(e.name);
  dir.closeSync();
  return tally.result();
}

function openFolder(): number {
  const name = sys.alloc(4096);
  name.cstring(path);
  const fd = sys.openat(AT_FDCWD, name, O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) throw new Error(`opening ${path}: errno ${-fd}`);
  return fd;
}

/** `struct linux_dirent64`: d_ino@0 d_off@8 d_reclen@16 d_type@18 d_name@19. False: the end. */
function someEntries(fd: number, mem: Mem, each: (name: string, next: bigint) => void): boolean {
  const n = sys.getdents(fd, mem, 0, mem.size);
  if (n < 0) throw new Error(`getdents64: errno ${-n}`);
  const { dv, u8 } = mem;
  for (let at = 0; at < n; at += dv.getUint16(at + 16, true)) {
    const nul = u8.indexOf(0, at + 19);
    each(Buffer.from(u8.subarray(at + 19, nul)).toString('latin1'), dv.getBigUint64(at + 8, true));
  }
  return n > 0;
}

function byGetdents(size: number): Listing {
  const tally = new Tally();
  const mem = sys.alloc(size);
  const fd = openFolder();
  while (someEntries(fd, mem, (name) => tally.see(name)));
  sys.close(fd);
  return tally.result();
}

function withLooks(): Listing {
  const tally = new Tally();
  const mem = sys.alloc(4096);
  const fd = openFolder();
  let stay = '';
  const take = (name: string): void => {
    tally.see(name);
    if (name.startsWith('stay-')) stay = name;
  };
  for (let i = 0; someEntries(fd, mem, take); i++)
    if (i % 7 === 0 && stay !== '') lstatSync(join(path, stay));
  sys.close(fd);
  return tally.result();
}

/** Goes back to places all over the folder, the last first: each must show the entry that came there before. */
function bySeek(): Listing {
  const tally = new Tally();
  const mem = sys.alloc(32 * 1024);
  const fd = openFolder();
  const places: { at: bigint; name: string }[] = [];
  let before = 0n;
  let i = 0;
  const take = (name: string, next: bigint): void => {
    tally.see(name);
    if (i++ % 1000 === 7 && name.startsWith('stay-')) places.push({ at: before, name });
    before = next;
  };
  while (someEntries(fd, mem, take));
  let strayed = 0;
  for (const { at, name } of places.reverse()) {
    const r = sys.lseek(fd, at as Off, SEEK_SET);
    if (r < 0) throw new Error(`lseek: errno ${-Number(r)}`);
    let first: string | undefined;
    // What came between the two meanwhile is passed over.
    someEntries(fd, mem, (n) => {
      if (first === undefined && n.startsWith('stay-')) first = n;
    });
    if (first !== name) strayed++;
  }
  sys.close(fd);
  return tally.result(places.length, strayed);
}

const ways: Readonly<Record<string, () => Listing>> = { readdir: byReaddir, looks: withLooks, seek: bySeek };
process.stdout.write(JSON.stringify(hows.map((how) => ways[how]?.() ?? byGetdents(Number(how)))));
