// SPDX-License-Identifier: MIT

import { writeSync } from 'node:fs';
import { EXIT, type ExitCode, NinefoldError, printable } from '../base/error.ts';
import { exitNow } from '../linux/process.ts';

/** Writes one line on stderr, now: nothing is lost when the process ends right after. A closed stderr is nobody's problem. */
export function say(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // EPIPE, EAGAIN, EBADF: there is no one to tell.
  }
}

/**
 * The one line for a failure, and its exit code. What is no NinefoldError is our own fault: it says so, and NINEFOLD_DEBUG=1 shows where
 * it happened.
 */
export function describe(error: unknown): { line: string; exit: ExitCode; code: string } {
  if (error instanceof NinefoldError) return { line: error.message, exit: error.exit, code: error.code };
  const message = printable(error instanceof Error ? error.message : String(error));
  return {
    line: `internal error: ${message}; please report it, with the output under NINEFOLD_DEBUG=1`,
    exit: EXIT.internal,
    code: 'INTERNAL',
  };
}

/** Reports and ends the process. */
export function die(program: string, error: unknown): never {
  const { line, exit } = describe(error);
  say(`${program}: ${line}`);
  if (process.env.NINEFOLD_DEBUG === '1' && error instanceof Error) say(error.stack ?? '');
  exitNow(exit);
}

/** For everything that a command line or the environment got wrong. Exit 64. */
export function usageError(
  code: string,
  what: string,
  on: string,
  why: string,
  remedy: string,
): NinefoldError {
  return new NinefoldError({ code, exit: EXIT.usage, what, on, why, remedy });
}
