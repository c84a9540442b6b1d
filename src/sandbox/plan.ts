// SPDX-License-Identifier: MIT

import type { Bind, Runtime } from './runtime.ts';

/**
 * How a process is confined, best first. `bwrap`: bubblewrap, it sees one folder, no network and no other process. `landlock`: it
 * reaches files of that folder only, but sees other processes and the status of files. `none`: as it is.
 */
export const SANDBOX_KINDS = ['bwrap', 'landlock', 'none'] as const;
export type SandboxKind = (typeof SANDBOX_KINDS)[number];

/** The program to be confined. */
export interface Program {
  /** The folder that holds it, bundled. */
  readonly dir: string;
  /** Its file, relative to `dir`. */
  readonly file: string;
  /** Packages that it loads from node_modules: name → folder. */
  readonly packages: Readonly<Record<string, string>>;
  readonly nodeArgs: readonly string[];
}

export interface SandboxSpec {
  readonly program: Program;
  /** The shared folder's descriptor, as it is numbered in the process that is started: inherited, not close-on-exec. */
  readonly shareFd: number;
  /** Other descriptors, beside 0 to 2, that the program is given; inherited as they are numbered. */
  readonly fds: readonly number[];
  /** For bubblewrap: a descriptor with the filter that it lays on the program, which makes no io_uring then. It reads it to the end, so each program needs one of its own. */
  readonly filterFd?: number;
  readonly readOnly: boolean;
  /** Started by root: the server takes on the identity of each client, and keeps the capabilities for that. */
  readonly asRoot: boolean;
  /** As root: clients may make device nodes. */
  readonly devices: boolean;
  /** Killed when whoever started it ends. */
  readonly dieWithParent: boolean;
}

/** Where the confined process finds the folder: a path that only it sees, or the descriptor it was given. */
export type ShareRoot = { path: string } | { fd: number };

/** Inside bubblewrap. */
export const SHARE = '/share';
const PROGRAM = '/program';

/** Everything the server needs as root, and no more: to act as its clients, and to see and keep owners and modes. */
export function serverCapabilities(devices: boolean): string[] {
  const names = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'SETGID', 'SETUID'];
  return devices ? [...names, 'MKNOD'] : names;
}

/** What of an installed bubblewrap can be used. */
export interface Bwrap {
  readonly path: string;
  /** Takes the folder by descriptor (0.8.0-2+deb12u1 and 0.10 on): a path swapped after the check does not matter. Needed. */
  readonly bindFd: boolean;
  /** Can forbid further user namespaces (0.8). */
  readonly disableUserns: boolean;
}

/** The command line up to and with `--`, after which stands the program. */
export function bwrapArguments(bwrap: Bwrap, spec: SandboxSpec, runtime: Runtime): string[] {
  const args = [bwrap.path, '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts'];
  args.push('--unshare-cgroup-try', '--new-session', '--cap-drop', 'ALL');
  if (spec.dieWithParent) args.push('--die-with-parent');
  if (spec.asRoot) {
    // No user namespace: client identities are those of the machine.
    for (const name of serverCapabilities(spec.devices)) args.push('--cap-add', `CAP_${name}`);
  } else {
    args.push('--unshare-user');
    if (bwrap.disableUserns) args.push('--disable-userns');
  }
  for (const { from, to } of runtime.binds) args.push('--ro-bind', from, to);
  for (const { from, to } of programBinds(spec.program)) args.push('--ro-bind', from, to);
  args.push('--dev-bind', '/dev/null', '/dev/null');
  // Root without a user namespace could otherwise write /proc/sys (kernel.core_pattern runs programs outside).
  args.push('--proc', '/proc', '--remount-ro', '/proc');
  args.push(spec.readOnly ? '--ro-bind-fd' : '--bind-fd', String(spec.shareFd), SHARE);
  if (spec.filterFd !== undefined) args.push('--seccomp', String(spec.filterFd));
  args.push('--remount-ro', '/', '--chdir', '/', '--');
  return args;
}

function programBinds(program: Program): Bind[] {
  const packages = Object.entries(program.packages);
  return [
    { from: program.dir, to: `${PROGRAM}/bin` },
    ...packages.map(([name, from]) => ({ from, to: `${PROGRAM}/node_modules/${name}` })),
  ];
}

/** Node gives up when it may not read OpenSSL's configuration, whose place differs by distribution; and we need nothing of it. */
const NODE_ARGS = ['--openssl-config=/dev/null'];

/** Node's own command line for the program, inside bubblewrap or outside. */
export function nodeCommand(runtime: Runtime, program: Program, inside: boolean): string[] {
  const dir = inside ? `${PROGRAM}/bin` : program.dir;
  return [runtime.node, ...NODE_ARGS, ...program.nodeArgs, `${dir}/${program.file}`];
}

/** What the launcher of the `landlock` kind is told: one JSON argument. */
export interface LandlockOrder {
  /** Paths to open before the restriction, and what may be done below each. */
  readonly rules: readonly { readonly path: string; readonly access: 'read' | 'execute' | 'all' }[];
  readonly shareFd: number;
  readonly fds: readonly number[];
  readonly readOnly: boolean;
  /** Capabilities that are kept. */
  readonly capabilities: readonly string[];
  readonly dieWithParent: boolean;
  readonly argv: readonly string[];
}

export function landlockOrder(spec: SandboxSpec, runtime: Runtime, argv: readonly string[]): LandlockOrder {
  const { program } = spec;
  const native = Object.values(program.packages);
  return {
    rules: [
      ...unique(runtime.binds.map((b) => b.from)).map((path) => ({ path, access: 'execute' as const })),
      // A native module is mapped executable, which Landlock counts as reading.
      ...unique([program.dir, ...native]).map((path) => ({ path, access: 'read' as const })),
      // Node opens it in the place of a standard descriptor that is closed.
      { path: '/dev/null', access: 'all' },
      { path: '/proc/self', access: 'read' },
    ],
    shareFd: spec.shareFd,
    fds: spec.fds,
    readOnly: spec.readOnly,
    // Root that is to act as no one else is confined as an ordinary user is.
    capabilities: spec.asRoot ? serverCapabilities(spec.devices) : [],
    dieWithParent: spec.dieWithParent,
    argv,
  };
}

const unique = (list: readonly string[]): string[] => [...new Set(list)];

const KEPT = /^(NINEFOLD_[A-Z0-9_]+|UV_THREADPOOL_SIZE|TZ|LANG|LC_ALL)$/;

/** All of the confined process's environment. NODE_OPTIONS, LD_PRELOAD and their like stay outside. */
export function confinedEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && KEPT.test(name)) kept[name] = value;
  return kept;
}
