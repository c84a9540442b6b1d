// SPDX-License-Identifier: MIT

import koffi from 'koffi';
import { Mem } from '../base/mem.ts';
import type { Off } from '../base/sys.ts';

const PAGE = 4096;

/**
 * A zero-filled block outside of the JavaScript heap, so that the collector never moves it. Blocks of a page or more start on a page boundary
 * (O_DIRECT wants that). A hidden NUL stands behind every block: a path that fills its block to the last byte still ends there.
 */
export function alloc(size: number): Mem {
  const big = size >= PAGE;
  const buffer = new ArrayBuffer(size + 1 + (big ? PAGE - 1 : 0));
  const base = Number(koffi.address(buffer));
  const skip = big ? (PAGE - (base % PAGE)) % PAGE : 0;
  return new Mem(new Uint8Array(buffer, skip, size), base + skip);
}

/**
 * The blocks whose addresses were taken last. An address does not keep its block alive, and boxing the next argument of the call can run the
 * collector: a caller's temporary must outlive the call. No call takes more than two of either sort.
 */
const held: { data: Mem | undefined; data2: Mem | undefined; path: Mem | undefined; path2: Mem | undefined } =
  {
    data: undefined,
    data2: undefined,
    path: undefined,
    path2: undefined,
  };

/** The address of a NUL-terminated string at 0. */
export function pathOf(mem: Mem): number {
  held.path2 = held.path;
  held.path = mem;
  return mem.address;
}

/** The address of `mem[off … off+len)`; the one bounds check between the engines and the kernel. */
export function at(mem: Mem, off: number, len: number): number {
  held.data2 = held.data;
  held.data = mem;
  // Written so that NaN fails too.
  if (!(off >= 0 && len >= 0 && off + len <= mem.size)) {
    throw new RangeError(`bytes ${off} to ${off + len} of a block of ${mem.size}`);
  }
  return mem.address + off;
}

/** Stores a signed 64-bit integer. */
export function putOff(mem: Mem, off: number, value: Off): void {
  if (typeof value === 'bigint') {
    mem.dv.setBigInt64(off, value, true);
  } else {
    mem.dv.setUint32(off, value >>> 0, true);
    mem.dv.setInt32(off + 4, Math.floor(value / 4294967296), true);
  }
}

/** Reads a signed 64-bit integer: a number when that is exact. */
export function getOff(mem: Mem, off: number): Off {
  const value = mem.dv.getInt32(off + 4, true) * 4294967296 + mem.dv.getUint32(off, true);
  return Number.isSafeInteger(value) ? value : mem.dv.getBigInt64(off, true);
}

const PREFIX = '/proc/self/fd/';
const procPath = alloc(32);
procPath.cstring(PREFIX);

/** The address of `"/proc/self/fd/<fd>"`, valid until the next call. Makes no garbage. A negative fd gives a path that does not exist. */
export function procFd(fd: number): number {
  decimal(procPath, PREFIX.length, fd);
  return procPath.address;
}

/** Writes a descriptor's number in decimal and a NUL at `end`; of a negative one only its sign. */
export function decimal(mem: Mem, end: number, fd: number): void {
  const { u8 } = mem;
  if (fd < 0) {
    u8[end++] = 0x2d;
  } else {
    let scale = 1;
    while (fd / scale >= 10) scale *= 10;
    for (; scale >= 1; scale /= 10) u8[end++] = 0x30 + (Math.floor(fd / scale) % 10);
  }
  u8[end] = 0;
}

const empty = alloc(1);

/** The address of `""`. A function, because only a closure keeps `empty` alive: a bare address would outlive its block. */
export function emptyPath(): number {
  return empty.address;
}

/** A new NUL-terminated string. A NUL inside it throws RangeError: the kernel would see another, shorter one. */
export function cstring(text: string): Mem {
  const bytes = Buffer.from(text);
  if (bytes.includes(0)) throw new RangeError('a string with a NUL inside');
  const mem = alloc(bytes.length + 1);
  mem.cstring(bytes);
  return mem;
}

/** Several strings in one block, which lives until two calls after the next one of `cstrings` or `pathOf`. */
export function cstrings(texts: readonly string[]): { addresses: number[]; mem: Mem } {
  const all = texts.map((text) => Buffer.from(text));
  if (all.some((b) => b.includes(0))) throw new RangeError('a string with a NUL inside');
  const mem = alloc(all.reduce((sum, b) => sum + b.length + 1, 0));
  const start = pathOf(mem);
  let end = 0;
  const addresses = all.map((b) => {
    const from = end;
    mem.u8.set(b, from);
    end += b.length + 1;
    return start + from;
  });
  return { addresses, mem };
}
