// SPDX-License-Identifier: MIT
// What a process does to itself before it serves: prctl(2), capabilities(7), getrlimit(2), execve(2), unshare(2).

import { c, declare, ret, SYS } from './libc.ts';
import { alloc, cstrings, pathOf, putOff } from './memory.ts';

const f = {
  execve: declare('execve', ['uintptr_t', 'uintptr_t', 'uintptr_t']),
  prctl: declare('prctl', ['int', 'uint64_t', 'uint64_t', 'uint64_t', 'uint64_t']),
  getrlimit: declare('getrlimit', ['int', 'uintptr_t']),
  setrlimit: declare('setrlimit', ['int', 'uintptr_t']),
  chroot: declare('chroot', ['uintptr_t']),
  setresuid: declare('setresuid', ['uint32_t', 'uint32_t', 'uint32_t']),
  setresgid: declare('setresgid', ['uint32_t', 'uint32_t', 'uint32_t']),
  setgroups: declare('setgroups', ['size_t', 'uintptr_t']),
  setsid: declare('setsid', []),
  exit: declare('_exit', ['int']),
  signal: declare('signal', ['int', 'uintptr_t']),
  unshare: declare('unshare', ['int']),
};

const PR_SET_PDEATHSIG = 1;
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_GET_NO_NEW_PRIVS = 39;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const RLIMIT_NOFILE = 7;
const CAP_VERSION_3 = 0x20080522;
const CLOSE_RANGE_CLOEXEC = 4;

/** Capability numbers (include/uapi/linux/capability.h) that a file server may need. */
export const CAPS = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  DAC_READ_SEARCH: 2,
  FOWNER: 3,
  FSETID: 4,
  SETGID: 6,
  SETUID: 7,
  MKNOD: 27,
} as const;
export type CapName = keyof typeof CAPS;
const CAP_LAST = 63;

/**
 * Becomes another program: same process id, same descriptors but those that are close-on-exec. Returns -errno, or never. `env`: all of the new
 * program's environment.
 */
export function execve(path: string, argv: readonly string[], env: Readonly<Record<string, string>>): number {
  const pairs = Object.entries(env).map(([k, v]) => `${k}=${v}`);
  const strings = cstrings([path, ...argv, ...pairs]);
  const table = alloc((argv.length + pairs.length + 2) * 8);
  let at = 0;
  for (let i = 0; i < strings.addresses.length - 1; i++) {
    // A null pointer ends each list.
    if (i === argv.length) at += 8;
    putOff(table, at, strings.addresses[i + 1] ?? 0);
    at += 8;
  }
  const vectors = pathOf(table);
  return ret(f.execve(strings.addresses[0] ?? 0, vectors, vectors + (argv.length + 1) * 8));
}

/** The signal that this process gets when the thread that started it ends; 0 = none. A parent that is already gone is not noticed. */
export const setParentDeathSignal = (signal: number): number =>
  ret(f.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0));

/** For the calling thread and all that it starts, for ever: execve gives no privileges any more. Landlock asks for it. */
export const setNoNewPrivileges = (): number => ret(f.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
export const getNoNewPrivileges = (): number => ret(f.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));

/** false: no core dumps, and no ptrace by others of the same user. */
export const setDumpable = (on: boolean): number => ret(f.prctl(PR_SET_DUMPABLE, on ? 1 : 0, 0, 0, 0));
export const getDumpable = (): number => ret(f.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));

const two = alloc(16);

/** How many descriptors this process may have open. */
export function getOpenFileLimit(): { soft: number; hard: number } | number {
  const r = ret(f.getrlimit(RLIMIT_NOFILE, two.address));
  if (r < 0) return r;
  return { soft: Number(two.dv.getBigUint64(0, true)), hard: Number(two.dv.getBigUint64(8, true)) };
}

export function setOpenFileLimit(soft: number, hard: number): number {
  putOff(two, 0, soft);
  putOff(two, 8, hard);
  return ret(f.setrlimit(RLIMIT_NOFILE, two.address));
}

const capHeader = alloc(8);
const capData = alloc(24);

/**
 * Keeps only these capabilities, for this thread and whatever it executes: bounding set, ambient set, then effective, permitted and
 * inheritable. Without CAP_SETPCAP (an ordinary user) the bounding set stays, which is of no use to who has none. Other threads keep theirs:
 * meant to be followed by `execve`.
 */
export function keepCapabilities(keep: readonly CapName[]): number {
  const kept = new Set<number>(keep.map((name) => CAPS[name]));
  for (let cap = 0; cap <= CAP_LAST; cap++) {
    // -EINVAL: beyond the last one that this kernel knows. -EPERM: nothing to drop with.
    if (!kept.has(cap)) f.prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  }
  f.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  const now = capabilities();
  if (typeof now === 'number') return now;
  capData.u8.fill(0);
  for (const cap of kept) {
    if ((now.permitted & (1n << BigInt(cap))) === 0n) continue;
    // Two sets of three 32-bit words: effective, permitted, inheritable.
    const at = cap < 32 ? 0 : 12;
    const bit = (1 << (cap & 31)) >>> 0;
    capData.dv.setUint32(at, (capData.dv.getUint32(at, true) | bit) >>> 0, true);
    capData.dv.setUint32(at + 4, (capData.dv.getUint32(at + 4, true) | bit) >>> 0, true);
  }
  capHeader.dv.setUint32(0, CAP_VERSION_3, true);
  return ret(c.syscall(SYS.capset, capHeader.address, capData.address, 0, 0, 0));
}

/** This thread's capabilities, as bit masks. */
export function capabilities(): { effective: bigint; permitted: bigint } | number {
  capHeader.dv.setUint32(0, CAP_VERSION_3, true);
  const r = ret(c.syscall(SYS.capget, capHeader.address, capData.address, 0, 0, 0));
  if (r < 0) return r;
  const word = (i: number): bigint => BigInt(capData.dv.getUint32(i * 4, true));
  return { effective: word(0) | (word(3) << 32n), permitted: word(1) | (word(4) << 32n) };
}

export const chroot = (path: string): number => ret(f.chroot(cstrings([path]).addresses[0] ?? 0));

/** Real, effective and saved ids and the supplementary groups of all threads (glibc's wrappers), groups first. There is no way back. */
export function becomeUser(uid: number, gid: number, groups: readonly number[]): number {
  const list = alloc(Math.max(4, groups.length * 4));
  groups.forEach((g, i) => {
    list.dv.setUint32(i * 4, g, true);
  });
  let r = ret(f.setgroups(groups.length, pathOf(list)));
  if (r === 0) r = ret(f.setresgid(gid, gid, gid));
  if (r === 0) r = ret(f.setresuid(uid, uid, uid));
  return r;
}

/**
 * _exit(2): ends the process at once. process.exit() waits for the threads of Node's pool, and one of them may wait for ever for a file system that is
 * dead. Nothing is flushed.
 */
export function exitNow(code: number): never {
  f.exit(code);
  throw new Error('_exit came back');
}

const SIG_IGN = 1;
/** signal(2) with SIG_IGN, which what is executed next inherits (Node itself does not notice). */
export const ignoreSignal = (signal: number): number => (ret(f.signal(signal, SIG_IGN)) < 0 ? -22 : 0);

/** setsid(2): away from the terminal and its signals. -EPERM for the leader of a process group. Returns the new session's id. */
export const newSession = (): number => ret(f.setsid());

/** Marks every descriptor from `first` on close-on-exec (close_range(2), Linux 5.11). */
export function closeOnExecFrom(first: number): number {
  return ret(c.syscall(SYS.close_range, first, 0xffffffff, CLOSE_RANGE_CLOEXEC, 0, 0));
}

const CLONE_FILES = 0x400;
/**
 * Gives the calling thread a table of descriptors of its own (unshare(2)): what it opens and closes from here on, no thread that is there already notices, nor the other way round. Needs no
 * privilege. -EPERM where a filter of system calls refuses it, as container engines do.
 */
export const ownDescriptors = (): number => ret(f.unshare(CLONE_FILES));
