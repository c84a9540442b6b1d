// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';
import { Transform } from 'node:stream';
import { type BrokerCall, startedCaller } from '../../broker/broker-caller.ts';
import { nodeSocket } from '../../broker/node-socket.ts';
import { print } from '../print.ts';
import { describe, say } from '../report.ts';
import { type ClientWanted, parseClient } from './client-options.ts';
import { brokerOf } from './places.ts';
import { openBrokerSys } from './sys.ts';

const PROGRAM = 'qrexec-client-vm';
/** Of qrexec-client-vm: the broker cannot be reached; the command line makes no sense. */
const FAILED = 1;
const USAGE = 2;
const INTERRUPTED = 130;
const TERMINATED = 143;

/**
 * `qrexec-client-vm [OPTIONS] TARGET SERVICE[+ARGUMENT] [PROGRAM [ARGUMENT…]]`, by way of `ninefold broker`: the same command line and statuses. PROGRAM is started after the yes, with
 * one socket as its standard input and output; without one, this process's own are joined to the service.
 */
export function clientMain(argv: readonly string[]): void {
  const wanted = parseClient(argv);
  if (typeof wanted === 'string') {
    const help = wanted === 'help';
    if (help) print(USAGE_TEXT);
    else process.stderr.write(`${PROGRAM}: ${wanted}\n${USAGE_TEXT}`);
    process.exit(help ? 0 : USAGE);
  }
  run(wanted).then(
    (status) => process.exit(status),
    (error: unknown) => {
      say(`${PROGRAM}: ${describe(error).line}`);
      process.exit(FAILED);
    },
  );
}

async function run(wanted: ClientWanted): Promise<number> {
  const where = brokerOf(wanted.socket);
  const call = await startedCaller(openBrokerSys(), where)(wanted.target, wanted.service);
  let stopped: number | undefined;
  let local: ReturnType<typeof spawn> | undefined;
  for (const [signal, status] of [
    ['SIGINT', INTERRUPTED],
    ['SIGTERM', TERMINATED],
    ['SIGHUP', TERMINATED],
  ] as const)
    process.on(signal, () => {
      stopped = status;
      // Ctrl-C is for the whole group: the program has heard it, and has its own way to end. Until it runs there is only the question to take back.
      if (local === undefined) call.abandon();
      else if (signal !== 'SIGINT') local.kill(signal);
    });
  if (wanted.program === undefined) {
    await join(call, wanted);
  } else if (await call.started) {
    if (stopped !== undefined) return stopped;
    local = spawnLocal(call, wanted.program);
    closeSync(call.readFd);
    const status = await statusOf(local);
    const ended = await call.ended;
    tell(ended);
    return ended.exit === 0 ? status : ended.exit;
  }
  const ended = await call.ended;
  if (stopped !== undefined) return stopped;
  tell(ended);
  return ended.exit;
}

function tell({ exit, words }: { readonly exit: number; readonly words: string }): void {
  if (exit !== 0 && words !== '') say(words);
}

/** As under qrexec: the service at 0 and 1, what was there before at SAVED_FD_0 and SAVED_FD_1. */
function spawnLocal(call: BrokerCall, [program = '', ...args]: readonly string[]): ReturnType<typeof spawn> {
  return spawn(program, args, {
    argv0: basename(program),
    stdio: [call.readFd, call.writeFd, 'inherit', 0, 1],
    env: { ...process.env, SAVED_FD_0: '3', SAVED_FD_1: '4' },
  });
}

function statusOf(child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (constants.signals[signal ?? 'SIGKILL'] ?? 0)),
    );
  });
}

/** Standard input to the service, and the service to standard output, each to its end. */
function join(call: BrokerCall, { prefix, filter }: ClientWanted): Promise<void> {
  const socket = nodeSocket(openBrokerSys(), call.readFd, true);
  const output = filter ? socket.pipe(withoutEscapes()) : socket;
  if (prefix !== '') socket.write(prefix);
  process.stdin.on('error', () => {}).pipe(socket);
  return new Promise((resolve) => {
    const over = (): void => {
      process.stdin.unpipe().pause();
      resolve();
    };
    // A reader that has gone ends it.
    process.stdout.on('error', over);
    socket.on('error', over);
    output.on('data', (part: Buffer) => {
      if (!process.stdout.write(part)) {
        output.pause();
        process.stdout.once('drain', () => output.resume());
      }
    });
    output.once('end', over);
  });
}

/** What a terminal would take for a command becomes `_`: all but printing ASCII, tab, newline, carriage return, backspace and bell. */
export function withoutEscapes(): Transform {
  return new Transform({
    transform(part: Buffer, _encoding, done) {
      const clean = Buffer.from(part);
      for (const [i, byte] of clean.entries())
        if ((byte < 0x20 || byte > 0x7e) && ![7, 8, 9, 10, 13].includes(byte)) clean[i] = 0x5f;
      done(null, clean);
    },
  });
}

const USAGE_TEXT = `Usage: ${PROGRAM} [OPTIONS] TARGET SERVICE[+ARGUMENT] [PROGRAM [ARGUMENT...]]

Calls a service of another machine through "ninefold broker", with the command line of Qubes' program of that name.

  -t, --filter-escape-chars-stdout   what the service writes is shown without control characters; the default on a terminal
      --no-filter-escape-chars-stdout
  -T, --filter-escape-chars-stderr   understood; its last words never have any
      --no-filter-escape-chars-stderr
  -p, --prefix-data DATA             sent before standard input
  -a, --agent-socket PATH            where the broker is (else NINEFOLD_BROKER, else the user's own broker)
      --buffer-size N                understood, and of no use here
  -h, --help                         show this

Exit status: the service's; with PROGRAM that of the service, or if it is 0 that of PROGRAM. 126 refused, 127 no such service, 125 it could not be started, 1 the broker
cannot be reached, 2 wrong command line.
`;
