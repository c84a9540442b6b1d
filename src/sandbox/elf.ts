// SPDX-License-Identifier: MIT

import { closeSync, openSync, readSync } from 'node:fs';

/** What the dynamic linker wants to know about a file: the linker that runs it, and the name under which others ask for it (elf(5)). */
export interface ElfNames {
  /** PT_INTERP, of programs. */
  interpreter: string | undefined;
  /** DT_SONAME, of libraries: `libc.so.6`. */
  soname: string | undefined;
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_STRTAB = 5;
const DT_SONAME = 14;
/** Far more than any linker's path or library name takes. */
const NAME_MAX = 4096;
const TABLE_MAX = 65_536;

/** Reads a little-endian 64-bit ELF file; undefined when it is none, or may not be read. */
export function elfNames(path: string): ElfNames | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    return read(fd);
  } finally {
    closeSync(fd);
  }
}

function read(fd: number): ElfNames | undefined {
  const header = bytes(fd, 0, 64);
  // Magic, ELFCLASS64, ELFDATA2LSB.
  if (header.length < 64 || header.readUInt32BE(0) !== 0x7f454c46 || header.readUInt16BE(4) !== 0x0201)
    return undefined;
  const size = header.readUInt16LE(54);
  const count = header.readUInt16LE(56);
  const table = bytes(fd, Number(header.readBigUInt64LE(32)), Math.min(size * count, TABLE_MAX));
  const segments = [];
  for (let at = 0; at + 56 <= table.length && size >= 56; at += size) {
    segments.push({
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      length: Number(table.readBigUInt64LE(at + 32)),
    });
  }
  const interp = segments.find((s) => s.type === PT_INTERP);
  const dynamic = segments.find((s) => s.type === PT_DYNAMIC);
  let soname: string | undefined;
  if (dynamic !== undefined) {
    const entries = bytes(fd, dynamic.offset, Math.min(dynamic.length, TABLE_MAX));
    const value = (tag: number): number | undefined => {
      for (let at = 0; at + 16 <= entries.length; at += 16)
        if (Number(entries.readBigInt64LE(at)) === tag) return Number(entries.readBigUInt64LE(at + 8));
      return undefined;
    };
    const strings = value(DT_STRTAB);
    const name = value(DT_SONAME);
    const load = segments.find(
      (s) =>
        s.type === PT_LOAD && strings !== undefined && strings >= s.address && strings < s.address + s.length,
    );
    if (strings !== undefined && name !== undefined && load !== undefined)
      soname = text(bytes(fd, strings - load.address + load.offset + name, NAME_MAX));
  }
  return {
    interpreter: interp && text(bytes(fd, interp.offset, Math.min(interp.length, NAME_MAX))),
    soname,
  };
}

function bytes(fd: number, offset: number, length: number): Buffer {
  if (!Number.isSafeInteger(offset) || offset < 0) return Buffer.alloc(0);
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
}

function text(b: Buffer): string {
  const end = b.indexOf(0);
  return b.subarray(0, end < 0 ? b.length : end).toString();
}
