// SPDX-License-Identifier: MIT

import { basename, dirname } from 'node:path';
import { EXIT, NinefoldError } from '../../base/error.ts';
import { pipe } from '../../linux/descriptors.ts';
import { landlockVersion } from '../../linux/landlock.ts';
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
import { programPath } from '../serve/launch.ts';
import type { ReceiveConfig } from './receive-config.ts';

/**
 * Becomes the confined receiver, under the same process id, before a byte is read: it sees the incoming folder and nothing else. `rootFd`: that folder, opened
 * for reading or O_PATH. Throws NinefoldError SANDBOX_MISSING (exit 71), KOFFI_MISSING (70) or EXEC_FAILED (71).
 */
export async function becomeReceiver(config: Omit<ReceiveConfig, 'root'>, rootFd: number): Promise<never> {
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
  const means = sandboxMeans(landlockVersion());
  const own = [...new Set([config.readFd, config.writeFd])];
  const spec: SandboxSpec = {
    program: { dir: dirname(file), file: basename(file), packages, nodeArgs: ['--no-warnings'] },
    shareFd: rootFd,
    fds: own,
    readOnly: false,
    // Also as root: a receiver needs no privilege, only its own user's files.
    asRoot: false,
    devices: false,
    dieWithParent: false,
  };
  const { kind, note } = await chooseSandbox(config.settings.sandbox, means, spec, rootFd);
  if (note !== undefined) say(`${config.program}: ${note}`);
  const alive: [number, number] = [-1, -1];
  const watched = kind === 'bwrap' && pipe(alive) >= 0;
  const full = watched ? { ...config, aliveFd: alive[0] } : config;
  const fds = watched ? [...own, alive[0]] : own;
  const args = (root: ShareRoot): string[] => [JSON.stringify({ ...full, root })];
  const launcher = { file: programPath('landlock'), nodeArgs: [] };
  const { argv, env } = confine(kind, means, { ...spec, fds }, launcher, process.env, args);
  if (!watched) return becomeWorker({ argv, env }, [rootFd, ...fds]);
  // bubblewrap's own process holds the other end: when that is killed, the receiver inside ends too.
  const [bwrap = '', ...rest] = argv;
  return becomeWorker({ argv: [bwrap, '--json-status-fd', String(alive[1]), ...rest], env }, [
    rootFd,
    ...fds,
    alive[1],
  ]);
}
