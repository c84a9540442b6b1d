// SPDX-License-Identifier: MIT

import { because, EXIT, NinefoldError } from '../base/error.ts';
import { exitNow } from '../linux/process.ts';
import { describe, say } from './report.ts';

let guarded = false;

/**
 * Standard output, for what a person or a script asked for: all programs write there by this or by `print`, and none touches the descriptor before, because for
 * some it is a channel. When the reader has gone, the program ends without a word, as others do by SIGPIPE; when it cannot be written for another reason, such as a
 * full disk, it says so.
 */
export function output(): NodeJS.WriteStream {
  const { stdout } = process;
  if (!guarded) {
    guarded = true;
    stdout.on('error', outputFailed);
  }
  return stdout;
}

export function print(text: string): void {
  const stdout = output();
  stdout.write(text);
  // The event comes a turn later, and the program may have ended well by then.
  if (stdout.errored !== null) outputFailed(stdout.errored);
}

function outputFailed(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') exitNow(EXIT.outputClosed);
  const { line, exit } = describe(
    new NinefoldError({
      code: 'OUTPUT_FAILED',
      exit: EXIT.outputFailed,
      what: 'cannot write to',
      on: 'standard output',
      why: because(error.errno ?? 5),
      remedy: 'make room, or send it elsewhere',
    }),
  );
  say(`ninefold: ${line}`);
  exitNow(exit);
}
