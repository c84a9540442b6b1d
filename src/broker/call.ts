// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import type { TransportSys } from '../transport/sys.ts';
import { pairOf } from './pair.ts';

/** How a service ended: its status (qrexec's own: 125 could not be run, 126 refused, 127 not there) and its last words. */
export interface Ended {
  readonly exit: number;
  readonly words: string;
}

/** A call of a service that is under way. */
export interface Call {
  /** What the service writes and reads: blocking sockets, one twice or two. Whoever made the call closes them, or gives them to `exchange`. */
  readonly readFd: number;
  readonly writeFd: number;
  readonly ended: Promise<Ended>;
  /** Gives the call up. Idempotent. */
  abandon(): void;
}

/** Calls a service of another machine, as `qrexec-client-vm TARGET SERVICE+ARGUMENT` does. Rejects with NinefoldError. */
export type Caller = (target: string, service: string) => Promise<Call>;

const WORDS_MAX = 4096;
/** More than any answer has. */
const ANSWER_MAX = 64 * 1024;

/**
 * Through qrexec's own program. `keep`: it outlives this process, away from its terminal; its words are lost then. Throws NinefoldError QREXEC_MISSING (exit 71).
 */
export function qrexecCaller(sys: TransportSys, program: string, keep = false): Caller {
  return async (target, service) => {
    const input = pairOf(sys);
    const output = pairOf(sys);
    const child = spawn(program, ['--', target, service], {
      stdio: [input[1], output[1], keep ? 'ignore' : 'pipe'],
      detached: keep,
    });
    sys.close(input[1]);
    sys.close(output[1]);
    const ended = endOf(child);
    const failure = await started(child);
    if (failure !== undefined) {
      sys.close(input[0]);
      sys.close(output[0]);
      throw missing(program, failure);
    }
    return { readFd: output[0], writeFd: input[0], ended, abandon: () => void child.kill('SIGTERM') };
  };
}

/**
 * A call with one socket for both directions, which whoever serves keeps open: `ninefold.FolderSession`. Throws NinefoldError QREXEC_MISSING (exit 71).
 */
export async function openLine(
  sys: TransportSys,
  program: string,
  target: string,
  service: string,
): Promise<{ fd: number; ended: Promise<Ended> }> {
  const [ours, theirs] = pairOf(sys);
  const child = spawn(program, ['--', target, service], { stdio: [theirs, theirs, 'pipe'] });
  sys.close(theirs);
  const ended = endOf(child);
  const failure = await started(child);
  if (failure === undefined) return { fd: ours, ended };
  sys.close(ours);
  throw missing(program, failure);
}

/** Sends everything, closes that direction, and reads to the end: a question and its answer. Takes the descriptors over. */
export async function exchange(call: Call, bytes: string): Promise<Ended & { stdout: string }> {
  const { readFd, writeFd } = call;
  const both = readFd === writeFd;
  const input = new Socket({ fd: readFd, readable: true, writable: both, allowHalfOpen: true });
  const output = both ? input : new Socket({ fd: writeFd, readable: false, writable: true });
  // The other side may have gone before it read: its status tells.
  output.on('error', () => {});
  output.end(bytes);
  let stdout = '';
  await new Promise<void>((resolve) => {
    input.setEncoding('utf8').on('data', (part: string) => {
      stdout = (stdout + part).slice(0, ANSWER_MAX);
    });
    input.once('end', resolve).once('error', () => resolve());
  });
  const ended = await call.ended;
  input.destroy();
  output.destroy();
  return { ...ended, stdout };
}

function endOf(child: ChildProcess): Promise<Ended> {
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    words = (words + part).slice(-WORDS_MAX);
  });
  return new Promise((resolve) => {
    child.once('close', (code, signal) =>
      resolve({ exit: signal === null ? (code ?? 1) : 1, words: lastLine(words) }),
    );
  });
}

export const lastLine = (words: string): string => printable(words.trim().split('\n').at(-1)?.trim() ?? '');

function started(child: ChildProcess): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    child.once('spawn', () => resolve(undefined));
    child.once('error', resolve);
  });
}

function missing(program: string, error: NodeJS.ErrnoException): NinefoldError {
  return new NinefoldError({
    code: 'QREXEC_MISSING',
    exit: EXIT.osMissing,
    what: 'cannot call another machine with',
    on: printable(program),
    why: because(error.errno ?? 5),
    remedy: 'run this in a qube, or start "ninefold broker" and name the machines in its configuration',
    cause: error,
  });
}
