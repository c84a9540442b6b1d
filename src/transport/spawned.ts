// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { basename } from 'node:path';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import type { Channel } from './channel.ts';
import { STARTED_BY } from './starter.ts';
import type { TransportSys } from './sys.ts';

/** What is kept of a far end's complaints. */
const WORDS_MAX = 4096;
const GRACE_MS = 2000;

export interface SpawnOptions {
  argv: readonly string[];
  /**
   * A session of its own: nothing it starts outlives it. Not for ssh, which asks for passwords on the terminal of the session.
   */
  ownSession: boolean;
  /**
   * Gets what the process writes on stderr, while Node's loop runs. Without it the caller may block as long as it likes: somebody else reads stderr, and the end of it is kept for `lastWords`.
   */
  onStderr?: (text: string) => void;
}

/** Where the stderr of the process goes. */
interface Complaints {
  /** What a child of ours is given as stderr. */
  readonly target: number | 'pipe' | 'ignore';
  readonly reader: ChildProcess | undefined;
}

/**
 * Starts a program with one end of a socket pair as its stdin and stdout. Throws NinefoldError SPAWN_FAILED (exit 71 if the program
 * is not installed, else 69).
 */
export async function openSpawned(sys: TransportSys, options: SpawnOptions): Promise<Channel> {
  const [program, ...args] = options.argv;
  const name = basename(program ?? '');
  const pair = sys.socketPair();
  if (typeof pair === 'number') throw notStarted(name, because(pair), EXIT.unavailable);
  const [ours, theirs] = pair;
  const complaints: Complaints =
    options.onStderr === undefined ? await readElsewhere(sys) : { target: 'pipe', reader: undefined };
  const child = spawn(program ?? '', args, {
    stdio: [theirs, theirs, complaints.target],
    detached: options.ownSession,
    // ssh hands its end to another machine.
    ...(options.ownSession ? { env: { ...process.env, [STARTED_BY]: String(process.pid) } } : {}),
  });
  sys.close(theirs);
  if (typeof complaints.target === 'number') sys.close(complaints.target);
  const started = await startOf(child);
  if (started !== undefined) {
    sys.close(ours);
    const error = started as NodeJS.ErrnoException;
    throw error.code === 'ENOENT'
      ? notFound(program ?? '', error)
      : notStarted(name, because(error.errno ?? 5), EXIT.unavailable, error);
  }
  return channelOf(sys, child, complaints.reader, name, ours, options);
}

/** undefined, or why it could not be started. */
function startOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    child.once('spawn', () => resolve(undefined));
    child.once('error', resolve);
  });
}

/**
 * A caller that blocks reads no stderr, and a process whose stderr is full waits for ever. A file would take in all that a far machine likes to complain; tail(1) keeps the end of it. It ends by
 * itself when nobody has that stderr open any more.
 */
async function readElsewhere(sys: TransportSys): Promise<Complaints> {
  const none: Complaints = { target: 'ignore', reader: undefined };
  const pair = sys.socketPair();
  if (typeof pair === 'number') return none;
  const [theirs, target] = pair;
  // A session of its own: Ctrl-C is for the process whose last words it keeps.
  const reader = spawn('tail', ['-c', String(WORDS_MAX)], {
    stdio: [theirs, 'pipe', 'ignore'],
    detached: true,
    cwd: '/',
    env: { PATH: process.env.PATH },
  });
  sys.close(theirs);
  if ((await startOf(reader)) === undefined) return { target, reader };
  sys.close(target);
  return none;
}

function channelOf(
  sys: TransportSys,
  child: ChildProcess,
  reader: ChildProcess | undefined,
  name: string,
  fd: number,
  options: SpawnOptions,
): Channel {
  let words = '';
  const stderr = reader === undefined ? child.stderr : reader.stdout;
  stderr?.setEncoding('utf8');
  stderr?.on('data', (text: string) => {
    words = (words + text).slice(-WORDS_MAX);
    options.onStderr?.(text);
  });
  // None may keep this process alive: it ends when the mount does.
  (stderr as unknown as { unref?: () => void } | null)?.unref?.();
  child.unref();
  reader?.unref();
  // `close`: ended, and all of its stderr has been read.
  const over = (one: ChildProcess): Promise<void> =>
    new Promise((resolve) => one.once('close', () => resolve()));
  const closed = Promise.all([over(child), ...(reader === undefined ? [] : [over(reader)])]);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(options.ownSession ? -(child.pid ?? 0) : (child.pid ?? 0), signal);
    } catch {
      // ESRCH: it is gone.
    }
  };
  let closing: Promise<void> | undefined;
  return {
    readFd: fd,
    writeFd: fd,
    async lastWords() {
      await within(closed, 1000);
      if (child.exitCode === null && child.signalCode === null) return undefined;
      const how = child.signalCode === null ? `with status ${child.exitCode}` : `by ${child.signalCode}`;
      const said = words.trim().split('\n').at(-1)?.trim();
      return `${name} ended ${how}${said ? `: ${printable(said)}` : ''}`;
    },
    async ended() {
      child.ref();
      if (child.exitCode === null && child.signalCode === null) await exited;
      child.unref();
      return child.signalCode === null ? (child.exitCode ?? 1) : 128 + constants.signals[child.signalCode];
    },
    close() {
      closing ??= (async () => {
        sys.close(fd);
        if (!(await within(exited, GRACE_MS))) {
          kill('SIGTERM');
          if (!(await within(exited, GRACE_MS))) kill('SIGKILL');
        }
        // What it started and left behind in its session.
        if (options.ownSession) kill('SIGKILL');
        reader?.kill('SIGKILL');
        stderr?.destroy();
      })();
      return closing;
    },
  };
}

/** True if `what` settles within so many milliseconds. Keeps the process alive meanwhile. */
async function within(what: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([what.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A path is named as it was given: nothing that could be installed would be found by it. */
function notFound(program: string, cause: unknown): NinefoldError {
  const why = program.includes('/') ? 'there is no such program' : 'the program is not installed';
  return notStarted(program, why, EXIT.osMissing, cause);
}

function notStarted(
  name: string,
  why: string,
  exit: typeof EXIT.osMissing | typeof EXIT.unavailable,
  cause?: unknown,
): NinefoldError {
  return new NinefoldError({
    code: 'SPAWN_FAILED',
    exit,
    what: 'cannot run',
    on: printable(name),
    why,
    remedy:
      exit === EXIT.osMissing && name === 'ssh'
        ? 'install the package openssh-client'
        : name.includes('/')
          ? 'check the path'
          : 'check that it is installed',
    cause,
  });
}
