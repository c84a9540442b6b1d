// SPDX-License-Identifier: MIT

import { EXIT } from '../../base/error.ts';
import { checkDescriptors } from '../../transport/descriptor.ts';
import { say } from '../report.ts';
import { becomeWorker } from './become.ts';
import { planWorker } from './launch.ts';
import type { ServeSettings } from './options.ts';
import { checkShare, openShare } from './share.ts';

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
  const launch = planWorker({
    program,
    readFd,
    writeFd,
    root: { fd: rootFd, path: folder },
    breachExit: program === 'qfsd' ? EXIT.server : EXIT.protocol,
    settings,
    note: (line) => {
      if (settings.logLevel !== 'silent' && settings.logLevel !== 'error') say(`${program}: warn: ${line}`);
    },
  });
  return becomeWorker(launch, [readFd, writeFd, rootFd]);
}
