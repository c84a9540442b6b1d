// SPDX-License-Identifier: MIT
// Bytes of open descriptors.

import type { Mem } from '../base/mem.ts';
import type { Off } from '../base/sys.ts';
import { c, interrupted, ret, SYS } from './libc.ts';
import { alloc, at, putOff } from './memory.ts';

const F_DUPFD_CLOEXEC = 1030;
const RWF_NOWAIT = 8;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SYNC_FILE_RANGE_WRITE = 2;
const IOVEC = 16;

const iov = alloc(2 * IOVEC);
const positions = alloc(16);

function putIov(i: number, address: number, len: number): void {
  putOff(iov, i * IOVEC, address);
  putOff(iov, i * IOVEC + 8, len);
}

/** Not retried after EINTR: Linux has closed the descriptor then (close(2), "Dealing with error returns"). */
export function close(fd: number): number {
  const r = ret(c.close(fd));
  return interrupted(r) ? 0 : r;
}

export function dup(fd: number): number {
  let r: number;
  do r = ret(c.fcntl(fd, F_DUPFD_CLOEXEC, 0));
  while (interrupted(r));
  return r;
}

export function read(fd: number, mem: Mem, off: number, len: number): number {
  const p = at(mem, off, len);
  let r: number;
  do r = ret(c.read(fd, p, len));
  while (interrupted(r));
  return r;
}

export function write(fd: number, mem: Mem, off: number, len: number): number {
  const p = at(mem, off, len);
  let r: number;
  do r = ret(c.write(fd, p, len));
  while (interrupted(r));
  return r;
}

export function write2(
  fd: number,
  memA: Mem,
  offA: number,
  lenA: number,
  memB: Mem,
  offB: number,
  lenB: number,
): number {
  putIov(0, at(memA, offA, lenA), lenA);
  putIov(1, at(memB, offB, lenB), lenB);
  let r: number;
  do r = ret(c.writev(fd, iov.address, 2));
  while (interrupted(r));
  return r;
}

export function pread(fd: number, mem: Mem, off: number, len: number, pos: Off): number {
  const p = at(mem, off, len);
  let r: number;
  do r = ret(c.pread(fd, p, len, pos));
  while (interrupted(r));
  return r;
}

export function pwrite(fd: number, mem: Mem, off: number, len: number, pos: Off): number {
  const p = at(mem, off, len);
  let r: number;
  do r = ret(c.pwrite(fd, p, len, pos));
  while (interrupted(r));
  return r;
}

export function preadNowait(fd: number, mem: Mem, off: number, len: number, pos: Off): number {
  putIov(0, at(mem, off, len), len);
  let r: number;
  do r = ret(c.preadv2(fd, iov.address, 1, pos, RWF_NOWAIT));
  while (interrupted(r));
  return r;
}

/** struct cachestat_range { u64 off, len }, and behind it struct cachestat { u64 nr_cache, nr_dirty, … } (include/uapi/linux/mman.h). */
const pages = alloc(16 + 40);
/** Of larger ones there are fewer, and the answer is 0: that costs a copy. */
const PAGE = 4096;

export function cached(fd: number, pos: Off, len: number): number {
  putOff(pages, 0, pos);
  putOff(pages, 8, len);
  const r = ret(c.syscall(SYS.cachestat, fd, pages.address, pages.address + 16, 0, 0));
  if (r < 0) return r;
  const within = Number(typeof pos === 'number' ? pos % PAGE : pos % BigInt(PAGE));
  return pages.dv.getUint32(16, true) >= Math.ceil((within + len) / PAGE) ? 1 : 0;
}

export function send(fd: number, mem: Mem, off: number, len: number): number {
  const p = at(mem, off, len);
  let r: number;
  do r = ret(c.send(fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL));
  while (interrupted(r));
  return r;
}

export function recv(fd: number, mem: Mem, off: number, len: number): number {
  const p = at(mem, off, len);
  let r: number;
  do r = ret(c.recv(fd, p, len, MSG_DONTWAIT));
  while (interrupted(r));
  return r;
}

export function sendfile(outFd: number, inFd: number, pos: Off, len: number): number {
  putOff(positions, 0, pos);
  let r: number;
  do r = ret(c.sendfile(outFd, inFd, positions.address, len));
  while (interrupted(r));
  return r;
}

export function lseek(fd: number, pos: Off, whence: number): Off {
  let r: number;
  // The C result is an int64_t: koffi makes a bigint of it beyond 2^53, which passes through `ret` unharmed.
  do r = ret(c.lseek(fd, pos, whence));
  while (interrupted(r));
  return r;
}

export function getdents(fd: number, mem: Mem, off: number, len: number): number {
  const p = at(mem, off, len);
  let r: number;
  do r = ret(c.getdents64(fd, p, len));
  while (interrupted(r));
  return r;
}

export function ftruncate(fd: number, size: Off): number {
  let r: number;
  do r = ret(c.ftruncate(fd, size));
  while (interrupted(r));
  return r;
}

export function fallocate(fd: number, mode: number, pos: Off, len: Off): number {
  let r: number;
  do r = ret(c.fallocate(fd, mode, pos, len));
  while (interrupted(r));
  return r;
}

export function copyFileRange(inFd: number, inPos: Off, outFd: number, outPos: Off, len: number): number {
  putOff(positions, 0, inPos);
  putOff(positions, 8, outPos);
  let r: number;
  do r = ret(c.copy_file_range(inFd, positions.address, outFd, positions.address + 8, len, 0));
  while (interrupted(r));
  return r;
}

export function fsync(fd: number): number {
  let r: number;
  do r = ret(c.fsync(fd));
  while (interrupted(r));
  return r;
}

export function fdatasync(fd: number): number {
  let r: number;
  do r = ret(c.fdatasync(fd));
  while (interrupted(r));
  return r;
}

export function syncfs(fd: number): number {
  let r: number;
  do r = ret(c.syncfs(fd));
  while (interrupted(r));
  return r;
}

export function startWriteback(fd: number, pos: Off, len: Off): number {
  let r: number;
  do r = ret(c.sync_file_range(fd, pos, len, SYNC_FILE_RANGE_WRITE));
  while (interrupted(r));
  return r;
}
