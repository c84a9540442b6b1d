// SPDX-License-Identifier: MIT

import { constants } from 'node:os';
import { EXIT } from '../../base/error.ts';
import { pipe } from '../../linux/descriptors.ts';
import { ignoreSignal } from '../../linux/process.ts';
import { checkDescriptors } from '../../transport/descriptor.ts';
import { lineLog } from '../line-log.ts';
import { becomeWorker } from './become.ts';
import { planWorker, ringFilterFd } from './launch.ts';
import type { ServeSettings } from './options.ts';
import { checkShare, openShare } from './share.ts';
import { peerIsStarter } from './starter.ts';
import { openUserFiles } from './users.ts';

const { SIGUSR1 } = constants.signals;

/**
 * One client on descriptors that are open already: checks everything, then becomes the confined server under the same process id. `path` may be a descriptor of the folder (O_PATH) that
 * was opened before. When the other end of `controlFd`, a socket, is closed, the server ends. `trafficFd`, which is that socket or standard error, gets a line of counters a second while they change.
 */
export async function servePair(
  program: string,
  path: string | number,
  fds: { readFd: number; writeFd: number; controlFd?: number; trafficFd?: number },
  settings: ServeSettings,
): Promise<never> {
  checkDescriptors(fds.readFd, fds.writeFd);
  const rootFd = typeof path === 'number' ? path : openShare(await checkShare(path));
  const users = openUserFiles(settings);
  const config = {
    program,
    ...fds,
    ...(users === undefined ? {} : { userFds: users }),
    peerIsStarter: peerIsStarter(fds.writeFd, process.env),
    breachExit: program === 'qfsd' ? EXIT.server : EXIT.protocol,
    settings,
  };
  const alive: [number, number] = [-1, -1];
  const piped = pipe(alive) >= 0;
  const launch = await planWorker({
    config,
    rootFd,
    rootFdHere: rootFd,
    filterFd: ringFilterFd(),
    dieWithParent: false,
    ...(!piped ? {} : { alive: { readFd: alive[0], writeFd: alive[1] } }),
    note: (line) => lineLog(program, settings.logLevel, settings.logFormat)('warn', line),
  });
  // Of bubblewrap's own process, which has the process id: the counters' signal is for the server inside, and must not end this.
  if (launch.sandbox === 'bwrap') ignoreSignal(SIGUSR1);
  return becomeWorker(launch, launch.keep);
}
