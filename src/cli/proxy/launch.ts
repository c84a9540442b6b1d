// SPDX-License-Identifier: MIT

import { basename, dirname } from 'node:path';
import { NinefoldError } from '../../base/error.ts';
import { pipe } from '../../linux/descriptors.ts';
import { landlockVersion } from '../../linux/landlock.ts';
import { sealTree } from '../../linux/sealed-tree.ts';
import { refuseRings, ringFilter } from '../../linux/seccomp.ts';
import {
  chooseSandbox,
  confine,
  type Means,
  programPackages,
  type SandboxSpec,
  sandboxMeans,
} from '../../sandbox/index.ts';
import { becomeWorker } from '../serve/become.ts';
import { programPath, ringFilterFd } from '../serve/launch.ts';
import type { ProxyLog } from './log.ts';
import type { ProxySettings } from './options.ts';
import { strerror } from './strerror.ts';
import type { ProxyWorkerConfig } from './worker-config.ts';

/**
 * Becomes the confined helper, under the same process id. `rootFd`: the export that was checked. Logs what stands in the way, and returns then only.
 */
export async function becomeHelper(
  settings: ProxySettings,
  rootFd: number,
  socketFd: number,
  log: ProxyLog,
): Promise<void> {
  const { readOnly, devices } = settings;
  const sealed = sealTree(rootFd, readOnly);
  const alive: [number, number] = [-1, -1];
  const piped = pipe(alive) >= 0;
  const { syslogFd, pid } = log;
  const fds = [socketFd, sealed, ...(piped ? [alive[0]] : []), ...(syslogFd === undefined ? [] : [syslogFd])];
  const file = programPath('proxy-worker');
  const spec: SandboxSpec = {
    program: {
      dir: dirname(file),
      file: basename(file),
      packages: programPackages(file),
      nodeArgs: ['--no-warnings'],
    },
    shareFd: rootFd,
    fds: fds.filter((fd) => fd >= 0),
    filterFd: ringFilterFd(),
    readOnly,
    asRoot: true,
    devices,
    dieWithParent: false,
  };
  const means = sandboxMeans(landlockVersion(), ringFilter);
  const bwrap = settings.sandbox !== 'chroot' && (await bwrapWorks(settings, means, spec, log));
  if (bwrap === undefined) return;
  const config: Omit<ProxyWorkerConfig, 'root'> = {
    socketFd,
    sealed: sealed >= 0,
    chroot: !bwrap,
    readOnly,
    devices,
    pid,
    ...(syslogFd === undefined ? {} : { syslogFd }),
    ...(bwrap && piped ? { aliveFd: alive[0] } : {}),
  };
  const { argv, env } = confine(
    bwrap ? 'bwrap' : 'none',
    means,
    spec,
    { file, nodeArgs: [] },
    process.env,
    (root) => [JSON.stringify({ ...config, root: sealed >= 0 ? { fd: sealed } : root })],
  );
  const [program = '', ...rest] = argv;
  const tell = bwrap && piped ? ['--json-status-fd', String(alive[1])] : [];
  // The folder as the machine sees it, from which the way up is open: for bubblewrap, which binds and closes it, or where there is nothing better.
  const folder = bwrap || sealed < 0 ? [rootFd] : [];
  // The helper filters its own calls, and may have no io_uring by then. Inside bubblewrap that is seen to.
  const refused = bwrap ? 0 : refuseRings();
  if (refused < 0) return log.error(`seccomp:${strerror(refused)}`);
  becomeWorker({ argv: [program, ...tell, ...rest], env }, [
    ...spec.fds,
    ...folder,
    ...(bwrap && spec.filterFd !== undefined ? [spec.filterFd] : []),
    ...(tell.length > 0 ? [alive[1]] : []),
  ]);
}

/** Undefined when it was asked for and does not work: that has been logged. */
async function bwrapWorks(
  settings: ProxySettings,
  means: Means,
  spec: SandboxSpec,
  log: ProxyLog,
): Promise<boolean | undefined> {
  try {
    await chooseSandbox('bwrap', means, spec, spec.shareFd);
    return true;
  } catch (error) {
    if (!(error instanceof NinefoldError)) throw error;
    if (settings.sandbox === 'bwrap') {
      log.error(error.message);
      return undefined;
    }
    log.info(`confined by chroot, as ${error.why}`);
    return false;
  }
}
