// SPDX-License-Identifier: MIT

import { EINVAL, ENAMETOOLONG, ENOENT } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, StatBuf } from '../base/stat.ts';
import { O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, type Sys } from '../base/sys.ts';
import { MAX_PATH_LENGTH } from '../qfile/index.ts';

/** d_type of getdents64(2): st_mode's type bits. */
const DT_UNKNOWN = 0;
const NAME_MAX = 255;
/** Listing buffers: those of the first levels are larger. A tree of 8,192 levels, the deepest that can be sent, needs some 32 MiB. */
const LISTING = 32_768;
const LISTING_DEEP = 4_096;
const DEEP = 32;
/** struct linux_dirent64: u64 ino, s64 off, u16 reclen, u8 type, name. */
const RECLEN = 16;
const TYPE = 18;
const NAME = 19;

/** What `enter` returns to have a folder left out with all that is in it; the walk goes on behind it, and does not call `leave`. */
export const PASS_BY = 1 << 30;

/**
 * What is done at each object. Each call returns 0 to go on; anything else ends the walk and is its result. The walk's `path`, `name` and `stat` say what
 * it is about. Descriptors are the walk's.
 */
export interface Visitor {
  /** A folder that was just opened; `walk.stat` is its status. */
  enter(walk: Walk, fd: number): number;
  /** The same folder, with all that is in it behind. `walk.path` is its path again. */
  leave(walk: Walk, fd: number): number;
  /** A file or link to be, as its listing says: `type` is S_IFREG or S_IFLNK. Look again when it is open. */
  entry(walk: Walk, dirFd: number, type: number): number;
  /** A device, FIFO or socket. */
  special(walk: Walk): number;
  /** It was listed and is not there any more. */
  vanished(walk: Walk): number;
}

/** A folder that the walk is in: its path's length, and what of its listing is here. */
interface Level {
  readonly fd: number;
  readonly length: number;
  readonly mem: Mem;
  at: number;
  end: number;
}

/**
 * Walks trees by descriptor: each folder is opened from the one above it, without following links, so that whatever is moved or replaced meanwhile, nothing
 * outside is ever reached. Depth first, in the order of the file system.
 */
export class Walk {
  readonly path = new Uint8Array(MAX_PATH_LENGTH);
  /** Length of the path of the present object, which begins with the argument's last component. */
  length = 0;
  /** The last component, for system calls below `dirFd`. */
  readonly name: Mem;
  readonly stat: StatBuf;
  readonly sys: Sys;
  private readonly listings: Mem[] = [];
  private readonly open: Level[] = [];
  private readonly visitor: Visitor;

  constructor(sys: Sys, visitor: Visitor) {
    this.sys = sys;
    this.visitor = visitor;
    this.name = sys.alloc(NAME_MAX + 1);
    this.stat = new StatBuf(sys.alloc(256));
  }

  /** Walks one argument: `name` (one component) below `parentFd`. 0, the visitor's own result, or -errno with `path` at what failed. */
  argument(parentFd: number, name: Uint8Array): number {
    let r = this.stand(parentFd, name);
    if (r === 0) r = this.object(parentFd, this.stat.mode & S_IFMT);
    // No recursion: a tree may be deeper than the stack.
    for (let top = this.open.at(-1); r === 0 && top !== undefined; top = this.open.at(-1)) r = this.step(top);
    for (const { fd } of this.open) this.sys.close(fd);
    this.open.length = 0;
    return r;
  }

  /** Stands at an argument without walking: `path`, `name` and `stat` are its. 0 or -errno. */
  stand(parentFd: number, name: Uint8Array): number {
    this.length = 0;
    const r = this.push(name, 0, name.length);
    return r < 0 ? r : this.sys.statat(parentFd, this.name, this.stat);
  }

  private object(dirFd: number, type: number): number {
    if (type === S_IFREG || type === S_IFLNK) return this.visitor.entry(this, dirFd, type);
    return type === S_IFDIR ? this.folder(dirFd) : this.visitor.special(this);
  }

  private folder(parentFd: number): number {
    const { sys, visitor, open } = this;
    const fd = sys.openat(
      parentFd,
      this.name,
      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
      0,
    );
    if (fd === -ENOENT) return visitor.vanished(this);
    if (fd < 0) return fd;
    let r = sys.stat(fd, this.stat);
    if (r === 0) r = visitor.enter(this, fd);
    if (r === 0) {
      const depth = open.length;
      this.listings[depth] ??= sys.alloc(depth < DEEP ? LISTING : LISTING_DEEP);
      open.push({ fd, length: this.length, mem: this.listings[depth] as Mem, at: 0, end: 0 });
      return 0;
    }
    sys.close(fd);
    return r === PASS_BY ? 0 : r;
  }

  /** The next entry of the innermost folder, or its end. On failure the path stays at what failed. */
  private step(level: Level): number {
    this.length = level.length;
    if (level.at === level.end) {
      const n = this.sys.getdents(level.fd, level.mem, 0, level.mem.size);
      if (n <= 0) return n === 0 ? this.close(level) : n;
      level.at = 0;
      level.end = n;
    }
    const { dv, u8 } = level.mem;
    const from = level.at;
    level.at += dv.getUint16(from + RECLEN, true);
    let end = from + NAME;
    while (u8[end] !== 0) end++;
    if (isDots(u8, from + NAME, end)) return 0;
    const r = this.push(u8, from + NAME, end);
    return r === 0 ? this.listed(level.fd, u8[from + TYPE] as number) : r;
  }

  private close({ fd }: Level): number {
    this.open.pop();
    let r = this.sys.stat(fd, this.stat);
    if (r === 0) r = this.visitor.leave(this, fd);
    this.sys.close(fd);
    return r;
  }

  private listed(fd: number, dtype: number): number {
    if (dtype !== DT_UNKNOWN) return this.object(fd, dtype << 12);
    const r = this.sys.statat(fd, this.name, this.stat);
    if (r === -ENOENT) return this.visitor.vanished(this);
    return r < 0 ? r : this.object(fd, this.stat.mode & S_IFMT);
  }

  /** Appends a component to the path and makes it the name. */
  private push(bytes: Uint8Array, from: number, to: number): number {
    const length = to - from;
    if (length === 0) return -EINVAL;
    const slash = this.length > 0 ? 1 : 0;
    if (length > NAME_MAX || this.length + slash + length >= MAX_PATH_LENGTH) return -ENAMETOOLONG;
    const { path } = this;
    const name = this.name.u8;
    let at = this.length;
    if (slash === 1) path[at++] = 0x2f;
    for (let i = 0; i < length; i++) {
      const b = bytes[from + i] as number;
      path[at++] = b;
      name[i] = b;
    }
    name[length] = 0;
    this.length = at;
    return 0;
  }
}

function isDots(u8: Uint8Array, from: number, end: number): boolean {
  const length = end - from;
  return length <= 2 && u8[from] === 0x2e && (length === 1 || u8[from + 1] === 0x2e);
}
