// SPDX-License-Identifier: MIT

import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { because, EXIT, NinefoldError } from '../../base/error.ts';
import { landlockVersion } from '../../linux/landlock.ts';
import { ringFilter } from '../../linux/seccomp.ts';
import {
  chooseSandbox,
  confine,
  type Program,
  programPackages,
  type SandboxKind,
  type SandboxSpec,
  type ShareRoot,
  sandboxMeans,
} from '../../sandbox/index.ts';
import type { WorkerConfig } from './worker-config.ts';

/** A command line and environment, complete: what is not in `env` is not there. */
export interface Launch {
  readonly argv: readonly string[];
  readonly env: Record<string, string>;
  /** How it is confined. */
  readonly sandbox: SandboxKind;
  /** The descriptors that the program in `argv[0]` is to inherit, beside 0 to 2. */
  readonly keep: readonly number[];
}

export interface WorkerPlan {
  /** All that the worker is told but for its root, which depends on the sandbox. */
  config: Omit<WorkerConfig, 'root'>;
  /** The folder's descriptor: as the worker will inherit it, and as it is numbered here. */
  rootFd: number;
  rootFdHere: number;
  /** As bubblewrap will inherit it: see `SandboxSpec` and `ringFilterFd`. */
  filterFd: number;
  /**
   * The worker must not outlive this process. Only for a supervisor: the kernel looks at the thread that started it, and who becomes the worker itself
   * may have been started by a thread that ends.
   */
  dieWithParent: boolean;
  /**
   * A pipe for bubblewrap, whose own process holds the one end (`--json-status-fd`) as long as it lives, so that ending it ends the worker too. For
   * whoever becomes the worker, in the place of `dieWithParent`.
   */
  alive?: { readFd: number; writeFd: number };
  /** Gets what a person should know about the confinement, once. */
  note: (line: string) => void;
}

/** The bundled program beside this one: everything here runs from dist/bin. */
export const programPath = (name: string): string => fileURLToPath(new URL(`./${name}.cjs`, import.meta.url));

/**
 * How a data plane is started, confined as the settings ask. Throws NinefoldError SANDBOX_MISSING (exit 71) if that is not to be had, and
 * KOFFI_MISSING (70) for an installation that lacks a part.
 */
export async function planWorker(plan: WorkerPlan): Promise<Launch> {
  const { settings } = plan.config;
  const means = sandboxMeans(landlockVersion(), ringFilter);
  const spec: SandboxSpec = {
    program: workerProgram(),
    shareFd: plan.rootFd,
    fds: inherited(plan.config),
    filterFd: plan.filterFd,
    readOnly: settings.readOnly,
    asRoot: process.geteuid?.() === 0,
    devices: settings.devices,
    dieWithParent: plan.dieWithParent,
  };
  const { kind, note } = await chooseSandbox(settings.sandbox, means, spec, plan.rootFdHere);
  if (note !== undefined) plan.note(note);
  if (settings.squash !== undefined && !spec.asRoot)
    plan.note('--squash has no effect: only root can act as another user');
  const alive = kind === 'bwrap' ? plan.alive : undefined;
  const config = { ...plan.config, ...(alive === undefined ? {} : { aliveFd: alive.readFd }) };
  const launcher = { file: programPath('landlock'), nodeArgs: [] };
  const args = (root: ShareRoot): string[] => [JSON.stringify({ ...config, root })];
  const { argv, env } = confine(kind, means, spec, launcher, process.env, args);
  const keep = [plan.rootFd, ...inherited(config), ...(kind === 'bwrap' ? [plan.filterFd] : [])];
  if (alive === undefined) return { argv, env, sandbox: kind, keep };
  const [bwrap = '', ...rest] = argv;
  return {
    argv: [bwrap, '--json-status-fd', String(alive.writeFd), ...rest],
    env,
    sandbox: kind,
    keep: [...keep, alive.writeFd],
  };
}

/** For who becomes bubblewrap: the filter that it lays on the program inside. Throws NinefoldError FILTER_FAILED (exit 71). */
export function ringFilterFd(): number {
  const fd = ringFilter();
  if (fd >= 0) return fd;
  throw new NinefoldError({
    code: 'FILTER_FAILED',
    exit: EXIT.osMissing,
    what: 'cannot hand over the filter of',
    on: 'io_uring',
    why: because(fd),
    remedy: 'allow more open files (ulimit -n)',
  });
}

/** The bundle and the one package that it does not hold, because it has a native part. */
function workerProgram(): Program {
  const file = programPath('serve-worker');
  const packages = programPackages(file);
  if (packages.koffi === undefined)
    throw new NinefoldError({
      code: 'KOFFI_MISSING',
      exit: EXIT.internal,
      what: 'cannot find the package',
      on: 'koffi',
      why: 'it is in no node_modules above this program',
      remedy: 'install ninefold again (npm ci)',
    });
  return { dir: dirname(file), file: basename(file), packages, nodeArgs: WORKER_NODE_ARGS };
}

/** The descriptors that the configuration names, the root apart. */
function inherited(config: Omit<WorkerConfig, 'root'>): number[] {
  const { readFd, writeFd, controlFd, aliveFd, userFds } = config;
  const all = [readFd, writeFd, controlFd, aliveFd, userFds?.passwd, userFds?.group];
  return [...new Set(all.filter((fd) => fd !== undefined))];
}

/** A warning of Node's is no message for the person who shares a folder. */
const WORKER_NODE_ARGS: readonly string[] = ['--no-warnings'];
