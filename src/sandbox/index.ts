// SPDX-License-Identifier: MIT

/**
 * How a data-plane process is confined: by bubblewrap, so that it sees the one folder it serves, no network and no other process; else by
 * Landlock, which is weaker. Nothing here makes a system call of its own: it plans command lines, and `launch.ts` (the Landlock launcher) is
 * given what it needs.
 */
import { closeSync } from 'node:fs';
import { because, EXIT, NinefoldError } from '../base/error.ts';
import { findBwrap, tryBwrap } from './find.ts';
import {
  type Bwrap,
  bwrapArguments,
  confinedEnvironment,
  type LandlockOrder,
  landlockOrder,
  nodeCommand,
  type SandboxKind,
  type SandboxSpec,
  SHARE,
  type ShareRoot,
} from './plan.ts';
import { nodeRuntime, type Runtime } from './runtime.ts';

export { type Confiner, launchLandlocked } from './launch.ts';
export * from './plan.ts';
export { nodeRuntime, programPackages, type Runtime } from './runtime.ts';

/** What the machine offers; found once per process. */
export interface Means {
  readonly bwrap: Bwrap | undefined;
  /** Version of the Landlock interface, 0 = none. */
  readonly landlock: number;
  readonly runtime: Runtime;
  /** A new descriptor for `SandboxSpec.filterFd`, close-on-exec, or -errno. */
  readonly ringFilter: () => number;
}

export interface Choice {
  readonly kind: SandboxKind;
  /** What a person should know, once. */
  readonly note?: string;
}

/** `landlock`: `landlockVersion()` of linux/, `ringFilter`: the function of that name there. */
export function sandboxMeans(landlock: number, ringFilter: () => number): Means {
  return { bwrap: findBwrap(), landlock, runtime: nodeRuntime(), ringFilter };
}

/** A launcher for the `landlock` kind: a program that calls `launchLandlocked` with its one argument. */
export interface Launcher {
  readonly file: string;
  readonly nodeArgs: readonly string[];
}

/**
 * The kind that will be used. `auto`: bubblewrap if it works here, else Landlock with a note, else a refusal. `probeFd`: the share's
 * descriptor in this process. Throws NinefoldError SANDBOX_MISSING (exit 71) naming the package, when what was asked for is not to be had.
 */
export async function chooseSandbox(
  wanted: SandboxKind | 'auto',
  means: Means,
  spec: SandboxSpec,
  probeFd: number,
): Promise<Choice> {
  if (wanted === 'none') return { kind: 'none' };
  let why = 'bubblewrap is not installed';
  if (wanted !== 'landlock' && means.bwrap !== undefined) {
    const failure = await probe(means.bwrap, means, spec, probeFd);
    if (failure === undefined) return { kind: 'bwrap' };
    why = `bubblewrap does not work here (${failure})`;
  }
  if (wanted === 'bwrap') throw missing(wanted, why);
  if (means.landlock === 0)
    throw missing(
      wanted,
      wanted === 'auto' ? `${why} and this kernel has no Landlock` : 'this kernel has no Landlock',
    );
  if (wanted === 'landlock') return { kind: 'landlock' };
  return {
    kind: 'landlock',
    note: `${why}: confined by Landlock instead, which hides neither other processes nor the status of files outside the folder; the package bubblewrap does better`,
  };
}

/** The real command line, with the dynamic linker's --version in the place of Node: 10 ms, and all mounts and the filter are tried. */
async function probe(bwrap: Bwrap, means: Means, spec: SandboxSpec, fd: number): Promise<string | undefined> {
  // By its path another folder could be bound, or what a symbolic link there leads to, when it is replaced in the moment of the start.
  if (!bwrap.bindFd) return 'it is older than 0.10 and has no --bind-fd';
  const filter = means.ringFilter();
  if (filter < 0) return because(filter);
  const here = { ...spec, shareFd: 3, filterFd: 4, dieWithParent: true };
  const linker = means.runtime.binds.find((b) => b.to.includes('/ld-'))?.to;
  const command = linker === undefined ? [means.runtime.node, '--version'] : [linker, '--version'];
  try {
    return await tryBwrap([...bwrapArguments(bwrap, here, means.runtime), ...command], [fd, filter]);
  } finally {
    closeSync(filter);
  }
}

/** A command line and the environment that goes with it, complete. */
export interface Confined {
  readonly argv: readonly string[];
  readonly env: Record<string, string>;
  /** Where the program finds the folder. */
  readonly root: ShareRoot;
  /** Of the `landlock` kind: a process that wants to become the program gives this to `launchLandlocked` itself, and saves the launcher. */
  readonly order?: LandlockOrder;
}

/** The command line for a kind that `chooseSandbox` gave. `args`: the program's own arguments, for the root that it will find. */
export function confine(
  kind: SandboxKind,
  means: Means,
  spec: SandboxSpec,
  launcher: Launcher,
  env: Readonly<Record<string, string | undefined>>,
  args: (root: ShareRoot) => readonly string[],
): Confined {
  const { runtime, bwrap } = means;
  const kept = confinedEnvironment(env);
  if (kind === 'bwrap') {
    if (bwrap === undefined) throw missing(kind, 'bubblewrap is not installed');
    const root = { path: SHARE };
    const command = [...nodeCommand(runtime, spec.program, true), ...args(root)];
    return { argv: [...bwrapArguments(bwrap, spec, runtime), ...command], env: kept, root };
  }
  const root = { fd: spec.shareFd };
  const command = [...nodeCommand(runtime, spec.program, false), ...args(root)];
  if (kind === 'none') return { argv: command, env: kept, root };
  const order = landlockOrder(spec, runtime, command);
  const argv = [runtime.node, ...launcher.nodeArgs, launcher.file, JSON.stringify(order)];
  return { argv, env: kept, root, order };
}

function missing(wanted: string, why: string): NinefoldError {
  return new NinefoldError({
    code: 'SANDBOX_MISSING',
    exit: EXIT.osMissing,
    what: 'cannot confine the server with',
    on: `--sandbox ${wanted}`,
    why,
    remedy:
      wanted === 'landlock'
        ? 'install the package bubblewrap and use --sandbox bwrap'
        : 'install the package bubblewrap, or accept an unconfined server with --sandbox none',
  });
}
