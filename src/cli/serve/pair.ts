// SPDX-License-Identifier: MIT

import { EXIT } from '../../base/error.ts';
import { checkDescriptors } from '../../transport/descriptor.ts';
import { lineLog } from '../line-log.ts';
import { becomeWorker } from './become.ts';
import { inherited, planWorker } from './launch.ts';
import type { ServeSettings } from './options.ts';
import { checkShare, openShare } from './share.ts';
import { openUserFiles } from './users.ts';

/** One client on descriptors that are open already: checks everything, then becomes the confined server under the same process id. */
export async function servePair(
  program: string,
  path: string,
  { readFd, writeFd }: { readFd: number; writeFd: number },
  settings: ServeSettings,
): Promise<never> {
  checkDescriptors(readFd, writeFd);
  const folder = await checkShare(path);
  const rootFd = openShare(folder);
  const users = openUserFiles(settings);
  const config = {
    program,
    readFd,
    writeFd,
    ...(users === undefined ? {} : { userFds: users }),
    breachExit: program === 'qfsd' ? EXIT.server : EXIT.protocol,
    settings,
  };
  const launch = await planWorker({
    config,
    rootFd,
    rootFdHere: rootFd,
    dieWithParent: false,
    note: (line) => lineLog(program, settings.logLevel, settings.logFormat)('warn', line),
  });
  return becomeWorker(launch, [rootFd, ...inherited(config)]);
}
