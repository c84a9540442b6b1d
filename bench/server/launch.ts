// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import { errnoName } from '../../src/base/errno.ts';
import { openSys } from '../../src/linux/index.ts';
import { SHUT_RDWR, shutdown, socketpair } from '../../src/linux/net.ts';
import { endsWithin, killTree, tailOf } from '../common/child.ts';
import type { Cleanup } from '../common/cleanup.ts';
import { Meter } from '../common/cpu.ts';
import type { ServerPeer } from './peers.ts';
import { Session } from './session.ts';
import { Wire } from './wire.ts';

/** The server's end of the socket pair in the child. */
const CHILD_FD = 3;
const GRACE_MS = 3000;

/** A server that has answered Tversion and Tattach. */
export interface Launched {
  readonly session: Session;
  readonly meter: Meter;
  /** Milliseconds from before its process was started to its first reply. */
  readonly startMs: number;
  /** Closes the connection, on which the server should end by itself; kills it when it does not. */
  end(): Promise<void>;
}

/** Starts `peer` on `dir` and waits for its first reply. Rejects with what the server said on stderr when it does not come. */
export async function launch(peer: ServerPeer, dir: string, cleanup: Cleanup): Promise<Launched> {
  const command = peer.command(dir, CHILD_FD);
  if (command === undefined) throw new Error(`${peer.name} is missing: ${peer.missing}`);
  const sys = openSys();
  const pair: [number, number] = [-1, -1];
  const r = socketpair(pair);
  if (r < 0) throw new Error(`no socket pair: ${errnoName(r)}`);
  const [mine, theirs] = pair;

  const before = performance.now();
  const [file, ...args] = command;
  // Each in a session of its own, as a daemon is (and ours in its sandbox in any case): between sessions the scheduler works more (sched_autogroup).
  const child: ChildProcess = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'pipe', theirs],
    detached: true,
  });
  sys.close(theirs);
  const said = tailOf(child);
  const undo = cleanup.add(`server ${peer.name}`, () => {
    sys.close(mine);
    killTree(child);
  });
  try {
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    // A program that cannot be started at all is told by an event, not by the connection.
    if (child.pid === undefined) await failed;
    failed.catch(() => undefined);
    const session = new Session(new Wire(sys, mine), dir);
    session.version();
    const startMs = performance.now() - before;
    session.attach(peer.aname(dir));
    const end = async (): Promise<void> => {
      shutdown(mine, SHUT_RDWR);
      await endsWithin(child, GRACE_MS);
      undo();
    };
    return { session, meter: new Meter(child.pid as number), startMs, end };
  } catch (error) {
    await endsWithin(child, 200);
    undo();
    throw new Error(
      `${peer.name}: ${(error as Error).message}${said() === '' ? '' : `; it said: ${said()}`}`,
    );
  }
}
