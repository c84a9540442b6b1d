// SPDX-License-Identifier: MIT

import { because, EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';

/** `why`: words, or what a system call threw. */
export function openError(
  code: 'OPEN_FILE' | 'OPEN_SERVICE' | 'OPEN_LOST',
  what: string,
  on: string,
  why: unknown,
  remedy: string,
  exit: ExitCode = EXIT.noInput,
): NinefoldError {
  const words = typeof why === 'string' ? why : because((why as NodeJS.ErrnoException).errno ?? 5);
  return new NinefoldError({ code, exit, what, on: printable(on), why: words, remedy, cause: why });
}
