// SPDX-License-Identifier: MIT

import { Socket } from 'node:net';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import { connectSocket } from '../transport/connect.ts';
import { parseEnded } from './agents.ts';
import type { Call, Caller } from './call.ts';
import { linesOf } from './control.ts';
import type { BrokerSys } from './sys.ts';

const CONNECT_MS = 5000;

/** A call that says when its service was started: after the person's yes. */
export interface BrokerCall extends Call {
  /** false: it ended without; `ended` tells why. */
  readonly started: Promise<boolean>;
}

const LINE_MAX = 16 * 1024;
const STARTED = '{"started":true}';

/** Calls through the broker at a Unix socket. Rejects with NinefoldError CONNECT_FAILED (exit 69, 77), NO_CHANNEL (71), BROKER_LOST (69). */
export const brokerCaller = (sys: BrokerSys, path: string): Caller => startedCaller(sys, path, false);

/** As `brokerCaller`; `told`: the broker is asked to say when the service has been started. */
export function startedCaller(
  sys: BrokerSys,
  path: string,
  told = true,
): (target: string, service: string) => Promise<BrokerCall> {
  return async (target, service) => {
    const control = await connectSocket(sys, { kind: 'unix', path }, CONNECT_MS);
    const pair = sys.socketPair();
    if (typeof pair === 'number') {
      sys.close(control);
      throw new NinefoldError({
        code: 'NO_CHANNEL',
        exit: EXIT.osMissing,
        what: 'cannot make',
        on: 'a socket pair',
        why: because(pair),
        remedy: 'close some files, or raise the limit of open files (ulimit -n)',
      });
    }
    const [ours, theirs] = pair;
    const sent = sys.sendFd(control, theirs);
    sys.close(theirs);
    if (sent < 0) {
      sys.close(control);
      sys.close(ours);
      throw new NinefoldError({
        code: 'BROKER_LOST',
        exit: EXIT.unavailable,
        what: 'lost the broker at',
        on: printable(path),
        why: because(sent),
        remedy: 'look at what "ninefold broker" says',
      });
    }
    const socket = new Socket({ fd: control });
    socket.on('error', () => {});
    socket.write(`${JSON.stringify({ version: 1, target, service, ...(told ? { started: true } : {}) })}\n`);
    const lines = linesOf(socket, LINE_MAX);
    const first = lines.next();
    const started = first.then((line) => line === STARTED);
    const ended = (async () => {
      const line = (await started) ? await lines.next() : await first;
      socket.destroy();
      return parseEnded(line);
    })();
    return { readFd: ours, writeFd: ours, started, ended, abandon: () => void socket.destroy() };
  };
}
