// SPDX-License-Identifier: MIT

import { EXIT, type ExitCode, printable } from '../../base/error.ts';
import { openSys } from '../../linux/index.ts';
import { adoptListener, type Listener, openListener } from '../../transport/listener.ts';
import { openLog } from '../log.ts';
import { openTransportSys } from '../wiring.ts';
import { planWorker } from './launch.ts';
import type { ServeSettings } from './options.ts';
import { servePair } from './pair.ts';
import type { ServeMode } from './request.ts';
import { checkShare, openShare } from './share.ts';
import { supervise, WORKER_FDS } from './supervise.ts';
import { openUserFiles } from './users.ts';

/** `ninefold serve`: resolves with the exit code of a supervisor; with `--stdio` and `--fds` it does not come back. */
export async function serveCommand(
  program: string,
  path: string,
  mode: ServeMode,
  settings: ServeSettings,
): Promise<ExitCode> {
  if (mode.kind === 'pair') return servePair(program, path, mode, settings);
  const log = openLog(program, settings.logLevel, settings.logFormat);
  const folder = await checkShare(path);
  const rootFd = openShare(folder);
  const transport = openTransportSys();
  const listeners: Listener[] = [];
  try {
    const users = openUserFiles(settings);
    const launch = await planWorker({
      config: {
        program,
        readFd: WORKER_FDS.connection,
        writeFd: WORKER_FDS.connection,
        controlFd: WORKER_FDS.control,
        ...(users === undefined ? {} : { userFds: { passwd: WORKER_FDS.passwd, group: WORKER_FDS.group } }),
        breachExit: EXIT.protocol,
        settings,
      },
      rootFd: WORKER_FDS.root,
      rootFdHere: rootFd,
      filterFd: WORKER_FDS.filter,
      dieWithParent: true,
      note: (line) => log.warn(line),
    });
    for (const at of mode.listens) listeners.push(await openListener(transport, at, mode.socketMode));
    for (const fd of mode.systemdFds) listeners.push(adoptListener(transport, fd));
    log.info(
      `sharing ${printable(folder)} on ${listeners.map((l) => printable(l.label)).join(', ')}, sandbox: ${launch.sandbox}`,
    );
    return await supervise({
      sys: openSys(),
      transport,
      listeners,
      inherited: [rootFd, ...(users === undefined ? [] : [users.passwd, users.group])],
      launch,
      maxConnections: mode.maxConnections,
      stats: settings.stats,
      log,
    });
  } finally {
    for (const listener of listeners) listener.close();
  }
}
