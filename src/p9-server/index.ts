// SPDX-License-Identifier: MIT

import type { Sys } from '../base/sys.ts';
import { Turns } from '../base/turns.ts';
import { Connection, type ServeEnd } from './connection.ts';
import { Folder } from './folder.ts';
import type { ServerOptions } from './options.ts';
import { Stats } from './stats.ts';

export type { Backend, Deferred, Wire } from './backend.ts';
export { DEFERRED, REPLIED } from './backend.ts';
export { Connection, type ServeEnd } from './connection.ts';
export { DEFAULT_LIMITS, DEFAULT_OPTIONS, type Limits, type ServerOptions, type User } from './options.ts';
export { Stats } from './stats.ts';

/**
 * Serves the folder behind `rootFd` (an O_PATH or ordinary descriptor of it) to the peer at `readFd`/`writeFd` (one socket, or the two ends of pipes)
 * until the peer closes or breaks the protocol. Takes over the calling thread (its umask, and as root its file-system identity): one connection per process.
 *
 * Resolves with how it ended; rejects only for a fault of our own. All descriptors stay the caller's to close.
 */
export async function serveConnection(how: {
  sys: Sys;
  readFd: number;
  writeFd: number;
  rootFd: number;
  options: ServerOptions;
  stats?: Stats;
}): Promise<ServeEnd> {
  const { sys, readFd, writeFd, rootFd, options } = how;
  const stats = how.stats ?? new Stats();
  const turns = new Turns(sys);
  const backend = new Folder(sys, turns, rootFd, options, stats);
  let end: ServeEnd = { clean: false, why: 'the loop ended' };
  new Connection({
    sys,
    turns,
    readFd,
    writeFd,
    backend,
    stats,
    limits: options.limits,
    done: (how) => {
      end = how;
      turns.stop();
    },
  });
  await turns.run();
  return end;
}
