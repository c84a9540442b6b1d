// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import { connectSocket } from '../transport/connect.ts';
import { formatSource, type Source } from '../transport/source.ts';
import { parseEnded } from './agents.ts';
import type { Call, Caller } from './call.ts';
import { linesOf } from './control.ts';
import { nodeFd } from './node-socket.ts';
import { pairOf } from './pair.ts';
import { type StreamCall, streamCall } from './stream-call.ts';
import type { BrokerSys } from './sys.ts';

const CONNECT_MS = 5000;

/** Where a broker is: a Unix socket (`own`: only of this user's, or root's), or what carries no descriptors. */
export type BrokerAddress =
  | (Extract<Source, { kind: 'unix' }> & { readonly own?: true })
  | Extract<Source, { kind: 'vsock' | 'exec' }>;

/** A call that says when its service was started: after the person's yes. */
export interface BrokerCall extends Call {
  /** false: it ended without; `ended` tells why. */
  readonly started: Promise<boolean>;
}

const LINE_MAX = 16 * 1024;
const STARTED = '{"started":true}';

/** Calls through a broker; a string is the path of its socket. Rejects with NinefoldError CONNECT_FAILED (exit 69, 77), BROKER_FOREIGN (77), VSOCK_MISSING, NO_CHANNEL (71), BROKER_LOST (69). */
export const brokerCaller = (sys: BrokerSys, where: BrokerAddress | string): Caller =>
  startedCaller(sys, where, false);

/** As `brokerCaller`; `told`: the broker is asked to say when the service has been started. */
export function startedCaller(
  sys: BrokerSys,
  where: BrokerAddress | string,
  told = true,
): (target: string, service: string) => Promise<BrokerCall> {
  const at: BrokerAddress = typeof where === 'string' ? { kind: 'unix', path: where } : where;
  return async (target, service) => {
    const line = JSON.stringify({ version: 1, target, service, ...(told ? { started: true } : {}) });
    const { control, data } =
      at.kind === 'unix' ? await passed(sys, at, line) : await streamed(sys, at, target, line);
    const lines = linesOf(control, LINE_MAX);
    const first = lines.next();
    const started = first.then((words) => words === STARTED);
    const ended = (async () => {
      const words = (await started) ? await lines.next() : await first;
      control.destroy();
      return parseEnded(words);
    })();
    return { readFd: data, writeFd: data, started, ended, abandon: () => void control.destroy() };
  };
}

/** A connection to its socket. Rejects with NinefoldError CONNECT_FAILED (exit 69, 77), BROKER_FOREIGN (77). */
export async function connectBroker(sys: BrokerSys, at: BrokerAddress & { kind: 'unix' }): Promise<number> {
  const fd = await connectSocket(sys, at, CONNECT_MS);
  const cred = at.own === true ? sys.peerCred(fd) : undefined;
  if (cred === undefined) return fd;
  const uid = typeof cred === 'number' ? undefined : cred.uid;
  if (uid === 0 || uid === process.geteuid?.()) return fd;
  sys.close(fd);
  throw new NinefoldError({
    code: 'BROKER_FOREIGN',
    exit: EXIT.noPermission,
    what: 'will not ask the broker at',
    on: printable(at.path),
    why: uid === undefined ? 'nobody knows whose it is' : `it is of user id ${uid}`,
    remedy: 'if that is who decides here, set NINEFOLD_BROKER to this path',
  });
}

async function passed(
  sys: BrokerSys,
  at: BrokerAddress & { kind: 'unix' },
  line: string,
): Promise<StreamCall> {
  const fd = await connectBroker(sys, at);
  const [ours, theirs] = pairOf(sys, fd);
  const sent = sys.sendFd(fd, theirs);
  sys.close(theirs);
  if (sent < 0) {
    sys.close(fd);
    sys.close(ours);
    throw lost(at, because(sent));
  }
  const control = new Socket({ fd });
  control.on('error', () => {});
  control.write(`${line}\n`);
  return { control, data: ours };
}

async function streamed(
  sys: BrokerSys,
  at: Exclude<BrokerAddress, { kind: 'unix' }>,
  target: string,
  line: string,
): Promise<StreamCall> {
  const open = (): Promise<number> =>
    at.kind === 'vsock' ? connectSocket(sys, at, CONNECT_MS) : commandTo(sys, at.command);
  const call = await streamCall(sys, open, line, (why) => lost(at, why));
  // A question and its answer are Node's work; everything else goes by descriptor.
  return target === 'dom0' && at.kind === 'vsock' ? { ...call, data: nodeFd(sys, call.data) } : call;
}

/** A command that leads to the broker, `ssh` as a rule. It ends with its channel, which may outlive this process: so it has a session of its own. */
function commandTo(sys: BrokerSys, command: string): Promise<number> {
  const [ours, theirs] = pairOf(sys);
  const child = spawn('/bin/sh', ['-c', command], { stdio: [theirs, theirs, 'ignore'], detached: true });
  // What it cannot do shows as the end of the channel.
  child.on('error', () => {}).unref();
  sys.close(theirs);
  return Promise.resolve(ours);
}

function lost(at: BrokerAddress, why: string): NinefoldError {
  return new NinefoldError({
    code: 'BROKER_LOST',
    exit: EXIT.unavailable,
    what: 'lost the broker at',
    on: printable(at.kind === 'unix' ? at.path : formatSource(at)),
    why,
    remedy: 'look at what "ninefold broker" says',
  });
}
