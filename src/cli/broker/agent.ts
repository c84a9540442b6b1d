// SPDX-License-Identifier: MIT

import { closeSync } from 'node:fs';
import { EXIT, type ExitCode, printable } from '../../base/error.ts';
import { Turns } from '../../base/turns.ts';
import { AGENT_CALL_MAX, encodeAgentCall, parseAgentCall } from '../../broker/agent-call.ts';
import { type AgentRun, runOf } from '../../broker/agents.ts';
import type { Ended } from '../../broker/call.ts';
import { Entrance } from '../../broker/incoming.ts';
import { keptChild } from '../../broker/kept-child.ts';
import { asksTraffic } from '../../broker/traffic-line.ts';
import { openSys } from '../../linux/index.ts';
import { acceptor } from '../../transport/accepting.ts';
import { formatListen, type Listen } from '../../transport/listen.ts';
import { openListener } from '../../transport/listener.ts';
import { openLog } from '../log.ts';
import { programPath } from '../serve/launch.ts';
import { openBrokerSys } from './sys.ts';

/** Where an agent waits. */
export type AgentListen = Extract<Listen, { kind: 'unix' | 'vsock' }>;

const REFUSED: Ended = { exit: 126, words: 'Request refused' };

/** `ninefold agent --listen`: a process for each call, which ends when the broker closes the connection. `broker`: the context id that is let in by vsock. Resolves with the exit code. */
export async function serveAgent(at: AgentListen, broker: number): Promise<ExitCode> {
  const log = openLog('ninefold agent', 'info', 'text');
  const sys = openBrokerSys();
  const listener = await openListener(sys, at, 0o600);
  const entrance = new Entrance(sys, AGENT_CALL_MAX);
  const turns = new Turns(openSys(), 1);
  const runs = new Set<AgentRun>();
  let exit: ExitCode = EXIT.ok;
  for (const [signal, code] of [
    ['SIGINT', EXIT.interrupted],
    ['SIGTERM', EXIT.terminated],
    ['SIGHUP', EXIT.terminated],
  ] as const)
    process.on(signal, () => {
      exit = code;
      turns.stop();
    });
  const begin = (fd: number): void => {
    if (at.kind === 'vsock' && sys.peerCid(fd) !== broker) {
      log.warn(`refused a connection of context id ${sys.peerCid(fd)}`);
      sys.close(fd);
      return;
    }
    take(entrance, fd, runs).catch((error: unknown) =>
      log.warn(`a call failed: ${printable(String(error))}`),
    );
  };
  turns.add(acceptor(sys, listener, begin, (line) => log.warn(line)));
  log.info(`listening on ${printable(at.kind === 'unix' ? at.path : formatListen(at))}`);
  try {
    await turns.run();
  } finally {
    listener.close();
    await Promise.all([...runs].map((run) => run.end()));
  }
  return exit;
}

async function take(entrance: Entrance, fd: number, runs: Set<AgentRun>): Promise<void> {
  const come = await entrance.take(fd, 'broker');
  if (come === undefined) return;
  const { control, data } = come;
  let open = true;
  try {
    const call = parseAgentCall(come.line ?? '');
    if (!call.ok) return void control.end(`${JSON.stringify(REFUSED)}\n`);
    const traffic = asksTraffic(come.line ?? '');
    const word = encodeAgentCall(call.value, traffic);
    const argv = [process.execPath, '--no-warnings', programPath('ruddo'), '--call', word];
    // What a broker does not read is left out: the next line has all of it.
    const tell = (told: string): boolean => control.writableLength === 0 && control.write(`${told}\n`);
    const run = runOf(keptChild(argv, data, { cwd: '/' }), traffic ? tell : undefined);
    runs.add(run);
    control.once('close', () => void run.end());
    control.resume();
    closeSync(data);
    open = false;
    const ended = await run.ended;
    runs.delete(run);
    control.end(`${JSON.stringify(ended)}\n`);
  } catch (error) {
    control.destroy();
    throw error;
  } finally {
    if (open) closeSync(data);
  }
}
