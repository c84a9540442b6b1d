// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import { basename } from 'node:path';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import type { Channel } from './channel.ts';
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
  /** Gets what the process writes on stderr. */
  onStderr?: (text: string) => void;
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
  const child = spawn(program ?? '', args, {
    stdio: [theirs, theirs, 'pipe'],
    detached: options.ownSession,
  });
  sys.close(theirs);
  const started = await new Promise<unknown>((resolve) => {
    child.once('spawn', () => resolve(undefined));
    child.once('error', resolve);
  });
  if (started !== undefined) {
    sys.close(ours);
    const error = started as NodeJS.ErrnoException;
    throw error.code === 'ENOENT'
      ? notStarted(name, 'the program is not installed', EXIT.osMissing, error)
      : notStarted(name, because(error.errno ?? 5), EXIT.unavailable, error);
  }
  return channelOf(sys, child, name, ours, options);
}

function channelOf(
  sys: TransportSys,
  child: ChildProcess,
  name: string,
  fd: number,
  options: SpawnOptions,
): Channel {
  let words = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (text: string) => {
    words = (words + text).slice(-WORDS_MAX);
    options.onStderr?.(text);
  });
  // Neither may keep this process alive: it ends when the mount does.
  (child.stderr as unknown as { unref?: () => void } | null)?.unref?.();
  child.unref();
  // `close`: ended, and all of its stderr has been read.
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
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
    close() {
      closing ??= (async () => {
        sys.close(fd);
        if (!(await within(exited, GRACE_MS))) {
          kill('SIGTERM');
          if (!(await within(exited, GRACE_MS))) kill('SIGKILL');
        }
        // What it started and left behind in its session.
        if (options.ownSession) kill('SIGKILL');
        child.stderr?.destroy();
      })();
      return closing;
    },
  };
}

/** True if `what` settles within so many milliseconds. Keeps the process alive meanwhile. */
async function within(what: Promise<void>, ms: number): Promise<boolean> {
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
        : 'check that it is installed',
    cause,
  });
}
