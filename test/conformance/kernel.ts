// SPDX-License-Identifier: MIT

import { errnoName } from '../../src/base/errno.ts';
import type { Mem } from '../../src/base/mem.ts';
import { AT_FDCWD, type LockInfo, O_NOFOLLOW, O_PATH, type Off, type Sys } from '../../src/base/sys.ts';

const PATH_ROOM = 70_000;
const DATA_ROOM = 1 << 20;

export interface Entry {
  name: Buffer;
  ino: bigint;
  /** The cookie to resume after this entry. */
  off: bigint;
  type: number;
}

export interface Time {
  sec: Off;
  nsec: number;
}

/** Path-based, throwing forms of the system calls that node:fs lacks. Errors carry `code` as node:fs's do. */
export class Kernel {
  readonly sys: Sys;
  private readonly path1: Mem;
  private readonly path2: Mem;
  private readonly data: Mem;

  constructor(sys: Sys) {
    this.sys = sys;
    this.path1 = sys.alloc(PATH_ROOM);
    this.path2 = sys.alloc(PATH_ROOM);
    this.data = sys.alloc(DATA_ROOM);
  }

  open(path: string | Buffer, flags: number, mode = 0o666): number {
    this.path1.cstring(path);
    return check('openat', this.sys.openat(AT_FDCWD, this.path1, flags, mode));
  }

  /** Runs `fn` on an O_PATH descriptor of `path` itself. */
  private object<T>(path: string | Buffer, fn: (fd: number) => T): T {
    const fd = this.open(path, O_PATH | O_NOFOLLOW);
    try {
      return fn(fd);
    } finally {
      this.sys.close(fd);
    }
  }

  dup(fd: number): number {
    return check('dup', this.sys.dup(fd));
  }

  mknod(path: string | Buffer, mode: number, major = 0, minor = 0): void {
    this.path1.cstring(path);
    check('mknodat', this.sys.mknodat(AT_FDCWD, this.path1, mode, major, minor));
  }

  rename2(from: string, to: string, flags: number): void {
    this.path1.cstring(from);
    this.path2.cstring(to);
    check('renameat2', this.sys.renameat(AT_FDCWD, this.path1, AT_FDCWD, this.path2, flags));
  }

  unlink(path: string | Buffer, flags: number): void {
    this.path1.cstring(path);
    check('unlinkat', this.sys.unlinkat(AT_FDCWD, this.path1, flags));
  }

  /** Names the object behind `fd`, as linkat(AT_EMPTY_PATH). */
  linkFd(fd: number, path: string): void {
    this.path1.cstring(path);
    check('linkat', this.sys.linkFd(fd, AT_FDCWD, this.path1));
  }

  /** Never follows a symlink. */
  utimens(path: string | Buffer, atime: Time, mtime: Time): void {
    this.object(path, (fd) => this.futimens(fd, atime, mtime));
  }

  futimens(fd: number, atime: Time, mtime: Time): void {
    check('utimensat', this.sys.utimensFd(fd, atime.sec, atime.nsec, mtime.sec, mtime.nsec));
  }

  truncate(fd: number, size: Off): void {
    check('ftruncate', this.sys.ftruncate(fd, size));
  }

  fallocate(fd: number, mode: number, pos: Off, len: Off): void {
    check('fallocate', this.sys.fallocate(fd, mode, pos, len));
  }

  copyRange(from: number, fromPos: Off, to: number, toPos: Off, len: number): number {
    return check('copy_file_range', this.sys.copyFileRange(from, fromPos, to, toPos, len));
  }

  seek(fd: number, pos: Off, whence: number): Off {
    const at = this.sys.lseek(fd, pos, whence);
    if (at < 0) throw failure('lseek', Number(at));
    return at;
  }

  /** At most 1 MiB. */
  pread(fd: number, len: number, pos: Off): Buffer {
    const n = check('pread', this.sys.pread(fd, this.data, 0, len, pos));
    return Buffer.from(this.data.u8.slice(0, n));
  }

  pwrite(fd: number, bytes: Uint8Array | string, pos: Off): number {
    const b = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    this.data.u8.set(b);
    return check('pwrite', this.sys.pwrite(fd, this.data, 0, b.byteLength, pos));
  }

  /** One getdents64(2) with a buffer of `room` bytes; empty at the end. */
  getdents(fd: number, room = 32_768): Entry[] {
    const n = check('getdents64', this.sys.getdents(fd, this.data, 0, room));
    const { dv, u8 } = this.data;
    const out: Entry[] = [];
    for (let p = 0; p < n; p += dv.getUint16(p + 16, true)) {
      const end = u8.indexOf(0, p + 19);
      out.push({
        ino: dv.getBigUint64(p, true),
        off: dv.getBigInt64(p + 8, true),
        type: dv.getUint8(p + 18),
        name: Buffer.from(u8.slice(p + 19, end)),
      });
    }
    return out;
  }

  /** The whole folder from where `fd` stands. */
  entries(fd: number, room?: number): Entry[] {
    const all: Entry[] = [];
    for (;;) {
      const some = this.getdents(fd, room);
      if (some.length === 0) return all;
      all.push(...some);
    }
  }

  /** Of the object itself, as the l*xattr calls do; a number is an open descriptor. */
  getxattr(on: string | Buffer | number, name: string | Buffer, room = 65_536): Buffer {
    return this.on(on, (fd) => {
      this.path2.cstring(name);
      const n = check('getxattr', this.sys.getxattr(fd, this.path2, this.data, 0, room));
      return Buffer.from(this.data.u8.slice(0, n));
    });
  }

  /** The value's size, by asking with no room. */
  xattrSize(on: string | Buffer | number, name: string | Buffer): number {
    return this.on(on, (fd) => {
      this.path2.cstring(name);
      return check('getxattr', this.sys.getxattr(fd, this.path2, this.data, 0, 0));
    });
  }

  setxattr(on: string | Buffer | number, name: string | Buffer, value: Uint8Array | string, flags = 0): void {
    this.on(on, (fd) => {
      const v = typeof value === 'string' ? Buffer.from(value) : value;
      this.path2.cstring(name);
      this.data.u8.set(v);
      check('setxattr', this.sys.setxattr(fd, this.path2, this.data, 0, v.byteLength, flags));
    });
  }

  listxattr(on: string | Buffer | number, room = 65_536): string[] {
    return this.on(on, (fd) => {
      const n = check('listxattr', this.sys.listxattr(fd, this.data, 0, room));
      return Buffer.from(this.data.u8.slice(0, n)).toString('latin1').split('\0').slice(0, -1);
    });
  }

  removexattr(on: string | Buffer | number, name: string | Buffer): void {
    this.on(on, (fd) => {
      this.path2.cstring(name);
      check('removexattr', this.sys.removexattr(fd, this.path2));
    });
  }

  private on<T>(on: string | Buffer | number, fn: (fd: number) => T): T {
    return typeof on === 'number' ? fn(on) : this.object(on, fn);
  }

  /** An open-file-description lock; throws EAGAIN when it is not to be had. */
  lock(fd: number, type: number, start: Off, len: Off): void {
    check('fcntl', this.sys.ofdSetLock(fd, type, start, len));
  }

  lockInTheWay(fd: number, type: number, start: Off, len: Off): LockInfo {
    const out: LockInfo = { type: -1, start: 0, len: 0, pid: 0 };
    check('fcntl', this.sys.ofdGetLock(fd, type, start, len, out));
    return out;
  }

  close(fd: number): void {
    check('close', this.sys.close(fd));
  }
}

function check(call: string, result: number): number {
  if (result < 0) throw failure(call, result);
  return result;
}

function failure(call: string, result: number): Error {
  const code = errnoName(result);
  return Object.assign(new Error(`${code}: ${call}`), { code, errno: result });
}
