// SPDX-License-Identifier: MIT

/**
 * A filter of system calls (seccomp(2)) that a running server lays on itself: calls that a file server on open descriptors never makes,
 * and that a taken-over one would want. It is a second wall behind bubblewrap, and closes what Landlock leaves open: Unix and UDP sockets,
 * ptrace, signals, limits and priorities of others, shared memory, other programs.
 *
 * A list of what is refused, not of what is allowed: Node, V8 and glibc need other calls with every version. The kernel remembers per
 * call number that the answer does not depend on arguments (5.11 and up), so the calls of the data plane cost the same as without.
 */
import { EIO, EPERM } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { pipe } from './descriptors.ts';
import { c, interrupted, ret, SYS } from './libc.ts';
import { alloc, pathOf, putOff } from './memory.ts';
import { setNoNewPrivileges } from './process.ts';

/** Refused by number; `[x86-64, generic]`, 0 = has none. arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const REFUSED: Readonly<Record<string, readonly [number, number]>> = {
  // Other programs.
  fork: [57, 0],
  vfork: [58, 0],
  execve: [59, 221],
  execveat: [322, 281],
  // Anything that is not an open connection already.
  socket: [41, 198],
  connect: [42, 203],
  accept: [43, 202],
  bind: [49, 200],
  listen: [50, 201],
  accept4: [288, 242],
  // Other processes.
  kill: [62, 129],
  ptrace: [101, 117],
  tkill: [200, 130],
  rt_sigqueueinfo: [129, 138],
  rt_tgsigqueueinfo: [297, 240],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  pidfd_send_signal: [424, 424],
  pidfd_open: [434, 434],
  pidfd_getfd: [438, 438],
  process_madvise: [440, 440],
  process_mrelease: [448, 448],
  setpriority: [141, 140],
  ioprio_set: [251, 30],
  sched_setparam: [142, 118],
  sched_setscheduler: [144, 119],
  sched_setaffinity: [203, 122],
  sched_setattr: [314, 274],
  migrate_pages: [256, 238],
  move_pages: [279, 239],
  get_robust_list: [274, 100],
  // Memory and messages that other programs of the user share by number or name.
  shmget: [29, 194],
  shmat: [30, 196],
  shmctl: [31, 195],
  semget: [64, 190],
  semop: [65, 193],
  semctl: [66, 191],
  semtimedop: [220, 192],
  msgget: [68, 186],
  msgsnd: [69, 189],
  msgrcv: [70, 188],
  msgctl: [71, 187],
  mq_open: [240, 180],
  mq_unlink: [241, 181],
  // Other views of the file system.
  pivot_root: [155, 41],
  chroot: [161, 51],
  mount: [165, 40],
  umount2: [166, 39],
  unshare: [272, 97],
  open_by_handle_at: [304, 265],
  setns: [308, 268],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  // Another identity than that of the file system.
  setuid: [105, 146],
  setgid: [106, 144],
  setreuid: [113, 145],
  setregid: [114, 143],
  setresuid: [117, 147],
  setresgid: [119, 149],
  capset: [126, 91],
  // Parts of the kernel that are none of a file server's business.
  uselib: [134, 0],
  personality: [135, 92],
  ustat: [136, 0],
  sysfs: [139, 0],
  modify_ldt: [154, 0],
  adjtimex: [159, 171],
  acct: [163, 89],
  settimeofday: [164, 170],
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  iopl: [172, 0],
  ioperm: [173, 0],
  init_module: [175, 105],
  delete_module: [176, 106],
  quotactl: [179, 60],
  syslog: [103, 116],
  vhangup: [153, 58],
  clock_settime: [227, 112],
  kexec_load: [246, 104],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  perf_event_open: [298, 241],
  fanotify_init: [300, 262],
  clock_adjtime: [305, 266],
  finit_module: [313, 273],
  kexec_file_load: [320, 294],
  bpf: [321, 280],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  quotactl_fd: [443, 443],
};

/** Looked at more closely. */
const CLOSER =
  process.arch === 'x64'
    ? { clone: 56, ioctl: 16, fcntl: 72, tgkill: 234, prlimit: 302 }
    : { clone: 220, ioctl: 29, fcntl: 25, tgkill: 131, prlimit: 261 };
const CLONE3 = 435;
const CLONE_THREAD = 0x10000;
/** ioctl(2). Puts characters into a terminal's input; and the console's own paste. */
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
/** The same as F_SETOWN, on a socket. */
const FIOSETOWN = 0x8901;
const SIOCSPGRP = 0x8902;
/** fcntl(2): who gets a signal when a descriptor is ready, and which: kill(2) by another way. */
const F_SETOWN = 8;
const F_SETSIG = 10;
const F_SETOWN_EX = 15;

/** include/uapi/linux/audit.h */
const AUDIT_ARCH = { x64: 0xc000003e, arm64: 0xc00000b7, riscv64: 0xc00000f3 } as const;
/** Calls of the x32 ABI, which would step around a filter by number. */
const X32_BIT = 0x40000000;

/** Classic BPF (include/uapi/linux/bpf_common.h) on struct seccomp_data: nr @0, arch @4, six 64-bit arguments from @16. */
const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const REFUSE = 0x50000 | EPERM;
/** glibc then tries clone, whose flags can be looked at. */
const UNKNOWN = 0x50000 | 38;

const SECCOMP_SET_MODE_FILTER = 1;
/** For all threads of the process at once. */
const TSYNC = 1;

type Instruction = [code: number, yes: number, no: number, value: number];

/** The program, for process `pid` on this machine; the calls named in `but` are left alone. */
function filter(pid: number, but: readonly string[]): Instruction[] {
  const column = process.arch === 'x64' ? 0 : 1;
  const arch = AUDIT_ARCH[process.arch as keyof typeof AUDIT_ARCH];
  const program: Instruction[] = [
    [LOAD, 0, 0, 4],
    [JUMP_EQUAL, 1, 0, arch],
    [RETURN, 0, 0, KILL],
    [LOAD, 0, 0, 0],
  ];
  // Each rule: if it is not this one, over its return to the next.
  const rule = (number: number, verdict: number): void => {
    program.push([JUMP_EQUAL, 0, 1, number], [RETURN, 0, 0, verdict]);
  };
  if (column === 0) program.push([JUMP_AT_LEAST, 0, 1, X32_BIT], [RETURN, 0, 0, REFUSE]);
  for (const [name, numbers] of Object.entries(REFUSED))
    if (numbers[column] !== 0 && !but.includes(name)) rule(numbers[column] ?? 0, REFUSE);
  rule(CLONE3, UNKNOWN);
  /** If it is this call, the lower half of one of its arguments is asked; `asked`, which knows its own length, ends with a verdict. */
  const closer = (number: number, argument: number, asked: readonly Instruction[]): void => {
    program.push([JUMP_EQUAL, 0, asked.length + 1, number], [LOAD, 0, 0, 16 + 8 * argument], ...asked);
  };
  const only = (test: number, value: number): Instruction[] => [
    [test, 1, 0, value],
    [RETURN, 0, 0, REFUSE],
    [RETURN, 0, 0, ALLOW],
  ];
  const anyBut = (...values: number[]): Instruction[] => [
    ...values.map((value, i): Instruction => [JUMP_EQUAL, values.length - i, 0, value]),
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, REFUSE],
  ];
  // A thread of our own, no other process.
  closer(CLOSER.clone, 0, only(JUMP_ANY_BIT, CLONE_THREAD));
  // A signal to ourselves: abort() needs it.
  closer(CLOSER.tgkill, 0, only(JUMP_EQUAL, pid));
  // getrlimit(3) and setrlimit(3) name no process.
  closer(CLOSER.prlimit, 0, only(JUMP_EQUAL, 0));
  closer(CLOSER.ioctl, 1, anyBut(TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP));
  closer(CLOSER.fcntl, 1, anyBut(F_SETOWN, F_SETSIG, F_SETOWN_EX));
  program.push([RETURN, 0, 0, ALLOW]);
  return program;
}

/**
 * Refuses the making of an io_uring, and nothing else. The event loops of Node 22 and later make one as they begin, and end the process when they may not use it later (uv__epoll_ctl_flush of libuv's
 * src/unix/linux.c); without one they call epoll_ctl(2), as Node 20's do. A ring that is there goes around every filter: what it is told to do is no system call. So a process that is to be filtered has to
 * begin without.
 *
 * The number is the same on all architectures, as of all calls from 424 on.
 */
const NO_RING: readonly Instruction[] = [
  [LOAD, 0, 0, 0],
  [JUMP_EQUAL, 0, 1, REFUSED.io_uring_setup?.[0] ?? 0],
  [RETURN, 0, 0, UNKNOWN],
  [RETURN, 0, 0, ALLOW],
];

/** From now on no thread of this process makes an io_uring, nor any program that it becomes or starts. Sets no_new_privs. 0 or -errno, as of `refuseNeedlessCalls`. */
export const refuseRings = (): number => lay(NO_RING);

/** The same filter as bytes, for whoever lays it on another: the read end of a pipe that holds it, close-on-exec, or -errno. The caller closes it. */
export function ringFilter(): number {
  const ends: [number, number] = [-1, -1];
  const r = pipe(ends);
  if (r < 0) return r;
  const code = bytesOf(NO_RING);
  const written = ret(c.write(ends[1], pathOf(code), code.size));
  ret(c.close(ends[1]));
  if (written === code.size) return ends[0];
  ret(c.close(ends[0]));
  return written < 0 ? written : -EIO;
}

/**
 * From now on, and for all threads, the calls above fail with EPERM. Sets no_new_privs. There is no way back. 0, or -errno: -EINVAL or
 * -ENOSYS where the kernel has no filters; -ESRCH (3) when a thread has a filter of its own. `but`: names of calls that this program does need.
 */
export function refuseNeedlessCalls(but: readonly string[] = []): number {
  return lay(filter(process.pid, but));
}

/** struct sock_filter[]. */
function bytesOf(program: readonly Instruction[]): Mem {
  const code = alloc(program.length * 8);
  program.forEach(([op, yes, no, value], i) => {
    code.dv.setUint16(i * 8, op, true);
    code.dv.setUint8(i * 8 + 2, yes);
    code.dv.setUint8(i * 8 + 3, no);
    code.dv.setUint32(i * 8 + 4, value, true);
  });
  return code;
}

/** On all threads at once. */
function lay(program: readonly Instruction[]): number {
  const code = bytesOf(program);
  // struct sock_fprog: u16 length @0, pointer @8.
  const prog = alloc(16);
  prog.dv.setUint16(0, program.length, true);
  putOff(prog, 8, pathOf(code));
  let r = setNoNewPrivileges();
  if (r < 0) return r;
  do r = ret(c.syscall(SYS.seccomp, SECCOMP_SET_MODE_FILTER, TSYNC, pathOf(prog), 0, 0));
  while (interrupted(r));
  // TSYNC reports the thread that could not follow.
  return r > 0 ? -3 : r;
}
