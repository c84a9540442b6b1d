// SPDX-License-Identifier: MIT
// Flags and sizes of descriptors, and pipes. All return ≥ 0 or -errno.

import { O_CLOEXEC, O_NONBLOCK } from '../base/sys.ts';
import { asyncOf, c, declare, ret } from './libc.ts';
import { alloc } from './memory.ts';

const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
const FD_CLOEXEC = 1;

const pipe2 = declare('pipe2', ['uintptr_t', 'int']);
const two = alloc(8);

/** Fills `out` with the read end and the write end, close-on-exec. */
export function pipe(out: [number, number]): number {
  const r = ret(pipe2(two.address, O_CLOEXEC));
  if (r < 0) return r;
  out[0] = two.dv.getInt32(0, true);
  out[1] = two.dv.getInt32(4, true);
  return 0;
}

/** The size asked for is rounded up to a power of two; -EPERM above /proc/sys/fs/pipe-max-size for an ordinary user. Returns the new size. */
export function setPipeSize(fd: number, bytes: number): number {
  return ret(c.fcntl(fd, F_SETPIPE_SZ, bytes));
}

export function getPipeSize(fd: number): number {
  return ret(c.fcntl(fd, F_GETPIPE_SZ, 0));
}

/** open(2) flags of the description: access mode, O_NONBLOCK, O_APPEND, O_PATH … */
export function statusFlags(fd: number): number {
  return ret(c.fcntl(fd, F_GETFL, 0));
}

/** The flag is the open file description's: whoever shares it (a parent's terminal, say) sees the change. */
export function setNonblocking(fd: number, on: boolean): number {
  const flags = statusFlags(fd);
  if (flags < 0) return flags;
  return ret(c.fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

/** Whether execve(2) closes it: 1, 0 or -errno. */
export function closeOnExec(fd: number): number {
  const r = ret(c.fcntl(fd, F_GETFD, 0));
  return r < 0 ? r : r & FD_CLOEXEC;
}

export function setCloseOnExec(fd: number, on: boolean): number {
  return ret(c.fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0));
}

const F_DUPFD_CLOEXEC = 1030;
const duplicate = asyncOf(c.fcntl);

/**
 * Has the kernel make this process's table of descriptors large enough for `count` of them, on another thread; `fd` is any that is open. The table doubles when it is full, at 64, 128, 256 …, and where threads share it the one
 * that opened a descriptor too many sleeps for an RCU grace period each time (`expand_fdtable`, fs/file.c): 5 to 20 ms. It never shrinks. No more than the limit of open files allows; what cannot be is left.
 */
export function growTable(fd: number, count: number): void {
  duplicate(fd, F_DUPFD_CLOEXEC, count - 1, (_error, result) => {
    if (result >= 0) c.close(result);
  });
}

const F_SETOWN = 8;
const O_ASYNC = 0o20000;

/**
 * Has the kernel end this process (SIGIO, whose default that is) when something comes from a pipe or socket or its other end closes: for a
 * thread that waits in another call. Whoever made the description sees the flag too.
 */
export function endWithPipe(fd: number): number {
  const flags = statusFlags(fd);
  if (flags < 0) return flags;
  const r = ret(c.fcntl(fd, F_SETOWN, process.pid));
  return r < 0 ? r : ret(c.fcntl(fd, F_SETFL, flags | O_ASYNC));
}
