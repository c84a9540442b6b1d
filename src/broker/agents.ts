// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { EXIT, NinefoldError, printable } from '../base/error.ts';
import { connectSocket } from '../transport/connect.ts';
import { quote, SSH_DEFAULTS, sshArgv } from '../transport/ssh.ts';
import { type AgentCall, encodeAgentCall } from './agent-call.ts';
import type { Ended } from './call.ts';
import type { Address } from './config.ts';
import { type KeptChild, keptChild } from './kept-child.ts';
import { endOf, type OnTraffic, wordsOf } from './last-words.ts';
import { streamCall } from './stream-call.ts';
import type { BrokerSys } from './sys.ts';
import { askTraffic } from './traffic-line.ts';

/** A service that runs in another machine. */
export interface AgentRun {
  readonly ended: Promise<Ended>;
  /** Ends it, with all that it started; resolves when that is done, within half a second. Idempotent. */
  end(): Promise<void>;
}

const CONNECT_MS = 10_000;
const GRACE_MS = 500;
const LOOK_MS = 20;
/** How long a caller may take to read what a service of a virtual machine left in the channel at its end. */
const REST_MS = 60_000;
/** A process that could not be started has qrexec's status for that. */
const CANNOT_RUN = 125;

/**
 * Starts the service that `call` names at the agent of a machine, with the descriptor `data` as its standard input and output: the caller closes its own copy afterwards. `local`: the command line of this
 * machine's agent. `onTraffic`: the server is asked to tell what goes through it. Rejects with NinefoldError when the agent's socket cannot be reached.
 */
export async function startAgent(
  sys: BrokerSys,
  address: Address,
  local: readonly string[],
  call: AgentCall,
  data: number,
  onTraffic?: OnTraffic,
): Promise<AgentRun> {
  const word = encodeAgentCall(call, onTraffic !== undefined);
  switch (address.kind) {
    case 'local':
      return spawned([...local, '--call', word], data, onTraffic);
    case 'exec':
      return spawned(['/bin/sh', '-c', `${address.command} --call ${word}`], data, onTraffic);
    case 'ssh': {
      const argv = sshArgv(address, SSH_DEFAULTS).slice(0, -1);
      const program = quote(SSH_DEFAULTS.remoteProgram);
      return spawned([...argv, `${program} agent --call ${word}`], data, onTraffic);
    }
    case 'unix':
      return passed(sys, await connectSocket(sys, address, CONNECT_MS), call, data, onTraffic);
    case 'vsock':
    case 'hybrid-vsock':
      return carried(sys, () => connectSocket(sys, address, CONNECT_MS), local, call, data, onTraffic);
  }
}

const spawned = (argv: readonly string[], data: number, onTraffic?: OnTraffic): AgentRun =>
  runOf(keptChild(argv, data, { cwd: '/' }), onTraffic);

/** A child as a run: also what `ninefold agent` keeps for each of its calls. */
export function runOf({ child, release }: KeptChild, onTraffic?: OnTraffic): AgentRun {
  const words = wordsOf(child.stderr, onTraffic);
  const ended = new Promise<Ended>((resolve) => {
    child.once('error', (error) => resolve({ exit: CANNOT_RUN, words: printable(error.message) }));
    child.once('exit', (code) => {
      // Its words may be held open by something that it left behind.
      setImmediate(() => resolve({ exit: code ?? 1, words: words() }));
    });
  });
  /** To the whole group; false: nobody of it is left. */
  const kill = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return child.pid !== undefined && process.kill(-child.pid, signal);
    } catch {
      return false;
    }
  };
  let ending: Promise<void> | undefined;
  return {
    ended,
    end() {
      release();
      ending ??= endGroup(kill);
      return ending;
    },
  };
}

/** The first of a group may be a shell, which goes at once: the others have things to put away, and so long for it. */
async function endGroup(kill: (signal: NodeJS.Signals | 0) => boolean): Promise<void> {
  const until = performance.now() + GRACE_MS;
  let left = kill('SIGTERM');
  for (; left && performance.now() < until; left = kill(0)) await sleep(LOOK_MS);
  if (left) kill('SIGKILL');
}

const ENDED = v.object({ exit: v.pipe(v.number(), v.integer()), words: v.string() });
export type EndedLine = v.InferOutput<typeof ENDED>;

/** What came back on a control connection: the last line says how the service ended; without one the other side is gone. */
export function parseEnded(line: string | undefined): Ended {
  try {
    const parsed = v.safeParse(ENDED, JSON.parse(line ?? ''));
    if (parsed.success) return { exit: parsed.output.exit & 255, words: printable(parsed.output.words) };
  } catch {
    // No JSON.
  }
  return { exit: CANNOT_RUN, words: 'the other side ended without a word' };
}

function lost(why: string): NinefoldError {
  return new NinefoldError({
    code: 'AGENT_LOST',
    exit: EXIT.machineDown,
    what: 'cannot hand a channel to',
    on: 'the agent',
    why,
    remedy: 'look at what "ninefold agent" says there',
  });
}

function passed(sys: BrokerSys, fd: number, call: AgentCall, data: number, onTraffic?: OnTraffic): AgentRun {
  const sent = sys.sendFd(fd, data);
  if (sent < 0) {
    sys.close(fd);
    throw lost('it closed the connection');
  }
  const control = new Socket({ fd });
  control.on('error', () => {});
  const line = JSON.stringify(call);
  control.write(`${onTraffic === undefined ? line : askTraffic(line)}\n`);
  const ended = endOf(control, 16 * 1024, onTraffic).then((line) => {
    control.destroy();
    return parseEnded(line);
  });
  return {
    ended,
    async end() {
      control.destroy();
    },
  };
}

/** A virtual machine cannot be given a descriptor: a process of its own carries the bytes between the caller's and a connection there. */
async function carried(
  sys: BrokerSys,
  open: () => Promise<number>,
  local: readonly string[],
  call: AgentCall,
  data: number,
  onTraffic?: OnTraffic,
): Promise<AgentRun> {
  const line = JSON.stringify(call);
  const asked = onTraffic === undefined ? line : askTraffic(line);
  const { control, data: there } = await streamCall(sys, open, asked, lost);
  const [program = '', ...args] = [...local, '--relay'];
  const relay = spawn(program, args, { stdio: [data, data, 'ignore', there], detached: true, cwd: '/' });
  // What it cannot do shows as the end of the channel.
  relay.on('error', () => {});
  sys.close(there);
  const ended = endOf(control, 16 * 1024, onTraffic).then((line) => {
    control.destroy();
    setTimeout(() => relay.kill('SIGKILL'), REST_MS).unref();
    return parseEnded(line);
  });
  return {
    ended,
    async end() {
      control.destroy();
      relay.kill('SIGKILL');
    },
  };
}
