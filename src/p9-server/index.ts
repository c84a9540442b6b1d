// SPDX-License-Identifier: MIT

import type { Sys } from '../base/sys.ts';
import { Turns } from '../base/turns.ts';
import { QUIET_MS, type WarmUp } from '../base/warm-up.ts';
import { Connection, type ServeEnd } from './connection.ts';
import { Folder } from './folder.ts';
import type { ServerOptions } from './options.ts';
import { Stats } from './stats.ts';

export type { Backend, Deferred, Wire } from './backend.ts';
export { DEFERRED, REPLIED } from './backend.ts';
export { Connection, type ServeEnd } from './connection.ts';
export { Fid } from './fid.ts';
export { Folder } from './folder.ts';
export { Node } from './node.ts';
export { OpenFile } from './open-file.ts';
export { DEFAULT_LIMITS, DEFAULT_OPTIONS, type Limits, type ServerOptions, type User } from './options.ts';
export { qidOf } from './qid.ts';
export { Stats } from './stats.ts';
export { changesHere } from './watches.ts';

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
  /** `writeFd` is a socket that does not block: large reads go to it by sendfile(2). */
  sendsFiles?: boolean;
  rootFd: number;
  options: ServerOptions;
  stats?: Stats;
  /** Goes on while the client asks nothing, once it has attached. Stopped at the end. */
  warmUp?: WarmUp;
}): Promise<ServeEnd> {
  const { sys, readFd, writeFd, rootFd, options, sendsFiles = false } = how;
  const stats = how.stats ?? new Stats();
  const turns = new Turns(sys);
  const backend = new Folder(sys, turns, rootFd, options, stats);
  let end: ServeEnd = { clean: false, why: 'the loop ended' };
  const connection = new Connection({
    sys,
    turns,
    readFd,
    writeFd,
    sendsFiles,
    backend,
    stats,
    limits: options.limits,
    done: (how) => {
      end = how;
      turns.stop();
    },
  });
  const { warmUp } = how;
  if (warmUp !== undefined) rehearseWhenIdle(warmUp, connection, stats);
  await turns.run();
  warmUp?.stop();
  return end;
}

/**
 * A client that says hello and waits (it mounts, or asks a person) leaves time to rehearse: from its first request on, whenever none has come for a while. Not while it waits for us: its answer waits for a slow disk, and a look at
 * the share would stand in the same queue, with everything else of the connection behind it.
 */
function rehearseWhenIdle(warmUp: WarmUp, connection: Connection, stats: Stats): void {
  let seen = 0;
  warmUp.untilIdle = () => {
    if (stats.requests === seen && seen > 0 && !connection.due) return 0;
    seen = stats.requests;
    return QUIET_MS;
  };
  warmUp.start();
}
