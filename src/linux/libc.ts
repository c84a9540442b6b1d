// SPDX-License-Identifier: MIT

import koffi from 'koffi';
import { EINTR } from '../base/errno.ts';
import { SYS } from './arch.ts';

/**
 * The C library, and the one table of its functions that a data plane uses. What only a set-up step needs (mount, sockets, landlock …) is
 * declared in the module of that step: a declaration costs some 30 µs at start.
 *
 * Addresses go in as `uintptr_t` from a bounds-checked `Mem` (memory.ts). Offsets are `int64_t`: a number or a bigint. Variadic functions
 * (openat, fcntl, ioctl, syscall) are declared with fixed arguments: on all machines that arch.ts lets through, integer arguments are passed alike.
 */
const libc = koffi.load('libc.so.6');

type Arg = 'int' | 'uint32_t' | 'uintptr_t' | 'size_t' | 'int64_t' | 'long' | 'uint64_t';

/** A C function whose result is an integer that fits in 53 bits, or -1 with errno set. Arguments: numbers (or bigint for 64-bit ones). */
export type Fn = (...args: (number | bigint)[]) => number;

/** Declares one function; `types` are the arguments' C types. */
export function declare(name: string, types: Arg[], result: 'int' | 'int64_t' | 'uint32_t' = 'int'): Fn {
  return libc.func(name, result, types) as Fn;
}

/** `declare`, and the same call on libuv's thread pool: `fn(…args, callback)`. errno is the call's own inside the callback (koffi ≥ 3.2). */
export type AsyncFn = (...args: [...(number | bigint)[], (error: unknown, result: number) => void]) => void;
export function asyncOf(fn: Fn): AsyncFn {
  return (fn as unknown as { async: AsyncFn }).async;
}

export const c = {
  close: declare('close', ['int']),
  openat: declare('openat', ['int', 'uintptr_t', 'int', 'uint32_t']),
  fcntl: declare('fcntl', ['int', 'int', 'uintptr_t']),
  statx: declare('statx', ['int', 'uintptr_t', 'int', 'uint32_t', 'uintptr_t']),
  fstatfs: declare('fstatfs', ['int', 'uintptr_t']),
  read: declare('read', ['int', 'uintptr_t', 'size_t'], 'int64_t'),
  write: declare('write', ['int', 'uintptr_t', 'size_t'], 'int64_t'),
  writev: declare('writev', ['int', 'uintptr_t', 'int'], 'int64_t'),
  pread: declare('pread', ['int', 'uintptr_t', 'size_t', 'int64_t'], 'int64_t'),
  pwrite: declare('pwrite', ['int', 'uintptr_t', 'size_t', 'int64_t'], 'int64_t'),
  preadv2: declare('preadv2', ['int', 'uintptr_t', 'int', 'int64_t', 'int'], 'int64_t'),
  send: declare('send', ['int', 'uintptr_t', 'size_t', 'int'], 'int64_t'),
  recv: declare('recv', ['int', 'uintptr_t', 'size_t', 'int'], 'int64_t'),
  sendfile: declare('sendfile', ['int', 'int', 'uintptr_t', 'size_t'], 'int64_t'),
  lseek: declare('lseek', ['int', 'int64_t', 'int'], 'int64_t'),
  getdents64: declare('getdents64', ['int', 'uintptr_t', 'size_t'], 'int64_t'),
  mkdirat: declare('mkdirat', ['int', 'uintptr_t', 'uint32_t']),
  mknodat: declare('mknodat', ['int', 'uintptr_t', 'uint32_t', 'uint64_t']),
  symlinkat: declare('symlinkat', ['uintptr_t', 'int', 'uintptr_t']),
  linkat: declare('linkat', ['int', 'uintptr_t', 'int', 'uintptr_t', 'int']),
  unlinkat: declare('unlinkat', ['int', 'uintptr_t', 'int']),
  renameat2: declare('renameat2', ['int', 'uintptr_t', 'int', 'uintptr_t', 'uint32_t']),
  readlinkat: declare('readlinkat', ['int', 'uintptr_t', 'uintptr_t', 'size_t'], 'int64_t'),
  chmod: declare('chmod', ['uintptr_t', 'uint32_t']),
  fchownat: declare('fchownat', ['int', 'uintptr_t', 'uint32_t', 'uint32_t', 'int']),
  utimensat: declare('utimensat', ['int', 'uintptr_t', 'uintptr_t', 'int']),
  ftruncate: declare('ftruncate', ['int', 'int64_t']),
  fallocate: declare('fallocate', ['int', 'int', 'int64_t', 'int64_t']),
  copy_file_range: declare(
    'copy_file_range',
    ['int', 'uintptr_t', 'int', 'uintptr_t', 'size_t', 'uint32_t'],
    'int64_t',
  ),
  fsync: declare('fsync', ['int']),
  fdatasync: declare('fdatasync', ['int']),
  syncfs: declare('syncfs', ['int']),
  sync_file_range: declare('sync_file_range', ['int', 'int64_t', 'int64_t', 'uint32_t']),
  getxattr: declare('getxattr', ['uintptr_t', 'uintptr_t', 'uintptr_t', 'size_t'], 'int64_t'),
  setxattr: declare('setxattr', ['uintptr_t', 'uintptr_t', 'uintptr_t', 'size_t', 'int']),
  listxattr: declare('listxattr', ['uintptr_t', 'uintptr_t', 'size_t'], 'int64_t'),
  removexattr: declare('removexattr', ['uintptr_t', 'uintptr_t']),
  name_to_handle_at: declare('name_to_handle_at', ['int', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'int']),
  poll: declare('poll', ['uintptr_t', 'uint64_t', 'int']),
  geteuid: declare('geteuid', [], 'uint32_t'),
  getegid: declare('getegid', [], 'uint32_t'),
  umask: declare('umask', ['uint32_t'], 'uint32_t'),
  /** syscall(2): for calls without a wrapper, and where the wrapper acts on all threads of the process instead of this one. */
  syscall: declare('syscall', ['long', 'long', 'long', 'long', 'long', 'long'], 'int64_t'),
} as const;

/** A C result as the engines want it: -1 becomes -errno. errno is the calling thread's and is read straight after the call. */
export function ret(result: number): number {
  return result === -1 ? -koffi.errno() : result;
}

/** `true` when `result` (of `ret`) asks for another try. */
export function interrupted(result: number): boolean {
  return result === -EINTR;
}

export { koffi, SYS };
