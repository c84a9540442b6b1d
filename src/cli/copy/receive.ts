// SPDX-License-Identifier: MIT

import { basename, dirname } from 'node:path';
import { EXIT, NinefoldError } from '../../base/error.ts';
import { pipe } from '../../linux/descriptors.ts';
import { landlockVersion } from '../../linux/landlock.ts';
import { ringFilter } from '../../linux/seccomp.ts';
import {
  chooseSandbox,
  confine,
  programPackages,
  type SandboxSpec,
  type ShareRoot,
  sandboxMeans,
} from '../../sandbox/index.ts';
import { say } from '../report.ts';
import { becomeWorker } from '../serve/become.ts';
import { type Launch, programPath, ringFilterFd } from '../serve/launch.ts';
import type { ReceiveConfig } from './receive-config.ts';

export interface ReceivePlan {
  readonly config: Omit<ReceiveConfig, 'root'>;
  /** The incoming folder, opened: as the receiver will inherit it, and as it is numbered here. */
  readonly rootFd: number;
  readonly rootFdHere: number;
  /** As in `WorkerPlan`. */
  readonly filterFd: number;
  /** As in `WorkerPlan`. */
  readonly dieWithParent: boolean;
  readonly alive?: { readonly readFd: number; readonly writeFd: number };
  readonly note: (line: string) => void;
}

/**
 * How a receiver is started: it sees the incoming folder and nothing else. Throws NinefoldError SANDBOX_MISSING (exit 71) if that is not to be had, and KOFFI_MISSING
 * (70) for an installation that lacks a part.
 */
export async function planReceiver(plan: ReceivePlan): Promise<Launch> {
  const file = programPath('receive-worker');
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
  const means = sandboxMeans(landlockVersion(), ringFilter);
  const { readFd, writeFd, aliveFd, settings } = plan.config;
  const own = [...new Set([readFd, writeFd, ...(aliveFd === undefined ? [] : [aliveFd])])];
  const spec: SandboxSpec = {
    program: { dir: dirname(file), file: basename(file), packages, nodeArgs: ['--no-warnings'] },
    shareFd: plan.rootFd,
    fds: own,
    filterFd: plan.filterFd,
    readOnly: false,
    // Also as root: a receiver needs no privilege, only its own user's files.
    asRoot: false,
    devices: false,
    dieWithParent: plan.dieWithParent,
  };
  const { kind, note } = await chooseSandbox(settings.sandbox, means, spec, plan.rootFdHere);
  if (note !== undefined) plan.note(note);
  const alive = kind === 'bwrap' ? plan.alive : undefined;
  const config = alive === undefined ? plan.config : { ...plan.config, aliveFd: alive.readFd };
  const fds = alive === undefined ? own : [...own, alive.readFd];
  const args = (root: ShareRoot): string[] => [JSON.stringify({ ...config, root })];
  const launcher = { file: programPath('landlock'), nodeArgs: [] };
  const { argv, env } = confine(kind, means, { ...spec, fds }, launcher, process.env, args);
  const keep = [plan.rootFd, ...fds, ...(kind === 'bwrap' ? [plan.filterFd] : [])];
  if (alive === undefined) return { argv, env, sandbox: kind, keep };
  // bubblewrap's own process holds the other end: when that is killed, the receiver inside ends too.
  const [bwrap = '', ...rest] = argv;
  return {
    argv: [bwrap, '--json-status-fd', String(alive.writeFd), ...rest],
    env,
    sandbox: kind,
    keep: [...keep, alive.writeFd],
  };
}

/** Becomes the confined receiver, under the same process id, before a byte is read. Throws what `planReceiver` does, and EXEC_FAILED (71). */
export async function becomeReceiver(config: Omit<ReceiveConfig, 'root'>, rootFd: number): Promise<never> {
  const alive: [number, number] = [-1, -1];
  const piped = pipe(alive) >= 0;
  const launch = await planReceiver({
    config,
    rootFd,
    rootFdHere: rootFd,
    filterFd: ringFilterFd(),
    dieWithParent: false,
    ...(piped ? { alive: { readFd: alive[0], writeFd: alive[1] } } : {}),
    note: (line) => say(`${config.program}: ${line}`),
  });
  return becomeWorker(launch, launch.keep);
}
