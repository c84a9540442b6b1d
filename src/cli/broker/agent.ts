// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { EXIT, type ExitCode, printable } from '../../base/error.ts';
import { Turns } from '../../base/turns.ts';
import { AGENT_CALL_MAX, encodeAgentCall, parseAgentCall } from '../../broker/agent-call.ts';
import { type AgentRun, runOf } from '../../broker/agents.ts';
import type { Ended } from '../../broker/call.ts';
import { readLineOf, takeData } from '../../broker/control.ts';
import type { BrokerSys } from '../../broker/sys.ts';
import { asksTraffic } from '../../broker/traffic-line.ts';
import { openSys } from '../../linux/index.ts';
import { acceptor } from '../../transport/accepting.ts';
import { openListener } from '../../transport/listener.ts';
import { openLog } from '../log.ts';
import { programPath } from '../serve/launch.ts';
import { openBrokerSys } from './sys.ts';

const CALL_MS = 10_000;
const REFUSED: Ended = { exit: 126, words: 'Request refused' };

/** `ninefold agent --listen`: a process for each call, which ends when the broker closes the connection. Resolves with the exit code. */
export async function serveAgent(path: string): Promise<ExitCode> {
  const log = openLog('ninefold agent', 'info', 'text');
  const sys = openBrokerSys();
  const listener = await openListener(sys, { kind: 'unix', path }, 0o600);
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
  const begin = (fd: number): void =>
    void take(sys, fd, runs).catch((error: unknown) =>
      log.warn(`a call failed: ${printable(String(error))}`),
    );
  turns.add(acceptor(sys, listener, begin, (line) => log.warn(line)));
  log.info(`listening on ${printable(path)}`);
  try {
    await turns.run();
  } finally {
    listener.close();
    for (const run of runs) run.end();
    await Promise.all([...runs].map((run) => run.ended));
  }
  return exit;
}

async function take(sys: BrokerSys, fd: number, runs: Set<AgentRun>): Promise<void> {
  const data = await takeData(sys, fd);
  const control = new Socket({ fd });
  control.on('error', () => {});
  try {
    const line = data < 0 ? undefined : await readLineOf(control, AGENT_CALL_MAX, CALL_MS);
    const call = parseAgentCall(line ?? '');
    if (!call.ok) return void control.end(`${JSON.stringify(REFUSED)}\n`);
    const traffic = asksTraffic(line ?? '');
    const argv = ['--no-warnings', programPath('ruddo'), '--call', encodeAgentCall(call.value, traffic)];
    const child = spawn(process.execPath, argv, { stdio: [data, data, 'pipe'], detached: true, cwd: '/' });
    // What a broker does not read is left out: the next line has all of it.
    const tell = (told: string): boolean => control.writableLength === 0 && control.write(`${told}\n`);
    const run = runOf(child, traffic ? tell : undefined);
    runs.add(run);
    control.once('close', () => run.end());
    control.resume();
    closeSync(data);
    const ended = await run.ended;
    runs.delete(run);
    control.end(`${JSON.stringify(ended)}\n`);
  } catch (error) {
    control.destroy();
    throw error;
  }
}
