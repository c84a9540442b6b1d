// SPDX-License-Identifier: MIT

import { endianness } from 'node:os';
import { EXIT, NinefoldError } from '../base/error.ts';
import { O_DIRECT, O_DIRECTORY, O_LARGEFILE, O_NOFOLLOW } from '../base/sys.ts';

/**
 * What differs between the machines that Ninefold runs on. x86-64 and RISC-V number open(2) flags as asm-generic does; arm64 has four of its
 * own (arch/arm64/include/uapi/asm/fcntl.h). System call numbers: arch/x86/entry/syscalls/syscall_64.tbl and asm-generic/unistd.h.
 */
const X64 = {
  setgroups: 116,
  setfsuid: 122,
  setfsgid: 123,
  capget: 125,
  capset: 126,
  seccomp: 317,
};
const GENERIC = {
  setgroups: 159,
  setfsuid: 151,
  setfsgid: 152,
  capget: 90,
  capset: 91,
  seccomp: 277,
};
/** The same on every machine: all calls since Linux 5.1 are. */
const COMMON = {
  close_range: 436,
  openat2: 437,
  open_tree: 428,
  mount_setattr: 442,
  landlock_create_ruleset: 444,
  landlock_add_rule: 445,
  landlock_restrict_self: 446,
  cachestat: 451,
};

const supported = ['x64', 'arm64', 'riscv64'];
if (endianness() !== 'LE' || !supported.includes(process.arch)) {
  throw new NinefoldError({
    code: 'UNSUPPORTED_MACHINE',
    exit: EXIT.osMissing,
    what: 'cannot run on',
    on: `${process.arch} (${endianness()})`,
    why: 'system calls and structures are known for little-endian x86-64, arm64 and riscv64 only',
    remedy: 'use one of these machines',
  });
}

/** Numbers for syscall(2). */
export const SYS = { ...(process.arch === 'x64' ? X64 : GENERIC), ...COMMON } as const;

const ARM = process.arch === 'arm64';
const SPECIAL = O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW;

/** open(2) flags in this machine's numbering. */
export function openFlags(flags: number): number {
  return ARM ? armOpenFlags(flags) : flags;
}

/** Exported for its test; arm64 puts O_DIRECTORY, O_NOFOLLOW, O_DIRECT and O_LARGEFILE at 0o40000, 0o100000, 0o200000 and 0o400000. */
export function armOpenFlags(flags: number): number {
  if ((flags & SPECIAL) === 0) return flags;
  return (
    (flags & ~SPECIAL) |
    (flags & O_DIRECTORY ? 0o40000 : 0) |
    (flags & O_NOFOLLOW ? 0o100000 : 0) |
    (flags & O_DIRECT ? 0o200000 : 0) |
    (flags & O_LARGEFILE ? 0o400000 : 0)
  );
}
