// SPDX-License-Identifier: MIT
// The receiver's half of the extension: what it tells of names that are there, and what it keeps of a transfer that was cut.

import { EINVAL, ENOENT } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { StatBuf } from '../base/stat.ts';
import { O_APPEND, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDWR, type Sys } from '../base/sys.ts';
import { type Answer, FREE } from '../qfile/index.ts';
import { crc32 } from './crc.ts';

/** Less is sent again as quickly. */
const PART_MIN = 1 << 16;
/** Of what is kept. */
const MODE = 0o600;
const NAME_MAX = 255;
const PREFIX = new TextEncoder().encode('.');
const SUFFIX = new TextEncoder().encode('.ninefold-part');

/** The beginnings of files, each beside its place under `.NAME.ninefold-part`. */
export class Parts {
  private readonly sys: Sys;
  private readonly name: Mem;
  private readonly stat: StatBuf;
  /** Those that this transfer told of or went on with. What else has such a name is somebody's file, or one of this transfer. */
  private readonly known = new Set<string>();

  constructor(sys: Sys) {
    this.sys = sys;
    this.name = sys.alloc(NAME_MAX + 1);
    this.stat = new StatBuf(sys.alloc(256));
  }

  /** What is at `leaf` in `parent`. */
  look(parent: number, leaf: Mem): Answer {
    const { sys, stat } = this;
    if (sys.statat(parent, leaf, stat) === 0)
      return {
        ...FREE,
        state: 'taken',
        size: stat.size,
        mtime: stat.mtimeSecLo,
        mtimeNsec: stat.mtimeNsec,
        mode: stat.mode,
      };
    const fd = this.open(parent, leaf);
    if (fd < 0) return FREE;
    const answer = this.sum(fd);
    sys.close(fd);
    return answer;
  }

  /** The part, open for appending. -errno: there is none, or what has its name cannot be one that was kept. */
  open(parent: number, leaf: Mem): number {
    const { sys, stat } = this;
    if (!this.nameOf(leaf)) return -ENOENT;
    const fd = sys.openat(parent, this.name, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) return fd;
    const kept = sys.stat(fd, stat) === 0 && stat.isFile && (stat.mode & 0o7777) === MODE;
    if (kept && stat.size >= PART_MIN) {
      this.known.add(keyOf(stat));
      return fd;
    }
    sys.close(fd);
    return -EINVAL;
  }

  /** Bytes of an open part. */
  sizeOf(fd: number): number {
    return this.sys.stat(fd, this.stat) === 0 ? this.stat.size : -1;
  }

  /** Keeps an open file that did not become whole. */
  keep(fd: number, parent: number, leaf: Mem): void {
    if (this.sizeOf(fd) < PART_MIN || !this.nameOf(leaf)) return;
    const own = keyOf(this.stat);
    // Ours to go on with, and nobody else's to read.
    this.sys.chmodFd(fd, MODE);
    const there = this.sys.statat(parent, this.name, this.stat) === 0 ? keyOf(this.stat) : '';
    // A beginning that was gone on with and cut again stands there already; and without its only name it could get no other.
    if (there === own) return;
    if (this.known.has(there)) this.sys.unlinkat(parent, this.name, 0);
    this.sys.linkFd(fd, parent, this.name);
  }

  /** The file is whole; its beginning is of no use any more. */
  drop(fd: number, parent: number, leaf: Mem): void {
    const { sys, stat, known } = this;
    if (known.size === 0) return;
    if (this.nameOf(leaf) && sys.statat(parent, this.name, stat) === 0 && known.delete(keyOf(stat)))
      sys.unlinkat(parent, this.name, 0);
    // What was a beginning is a file of this transfer now, under whatever name.
    if (sys.stat(fd, stat) === 0) known.delete(keyOf(stat));
  }

  private sum(fd: number): Answer {
    const mem = this.sys.alloc(1 << 20);
    let crc = 0;
    for (let at = 0; ; ) {
      const n = this.sys.pread(fd, mem, 0, mem.size, at);
      if (n < 0) return FREE;
      if (n === 0) return { ...FREE, state: 'part', size: at, crc };
      crc = crc32(mem.u8.subarray(0, n), crc);
      at += n;
    }
  }

  private nameOf(leaf: Mem): boolean {
    const length = leaf.u8.indexOf(0);
    if (length + PREFIX.length + SUFFIX.length > NAME_MAX) return false;
    this.name.u8.set(PREFIX);
    this.name.u8.set(leaf.u8.subarray(0, length), PREFIX.length);
    this.name.u8.set(SUFFIX, PREFIX.length + length);
    this.name.u8[PREFIX.length + length + SUFFIX.length] = 0;
    return true;
  }
}

const keyOf = (s: StatBuf): string => `${s.devMajor}:${s.devMinor}:${s.inoHi}:${s.inoLo}`;
