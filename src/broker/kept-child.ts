// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** The line from here to the guard, at this place in the child's descriptors. */
const LINE = 3;

/**
 * The guard is a shell in the group of the program: it waits for a word on its line. The end of the line without one means that whoever started this is gone, killed perhaps; then nobody would know of the
 * program any more, or could end it, so it goes, too. The program itself never has the line.
 */
const GUARD = `{ trap '' TERM; read -r word <&${LINE} || { kill -TERM 0; sleep 1; kill -KILL 0; }; } </dev/null >/dev/null 2>&1 &
exec ${LINE}<&-; exec "$@"`;

/** A child in a session of its own. */
export interface KeptChild {
  readonly child: ChildProcess;
  /** It may outlive this process from now on, and what it has started, too. Idempotent. */
  release(): void;
}

/** Starts a program that ends, with all of its group, when this process does, however that comes. `data` is its standard input and output (pipes, where none is given); its standard error is a pipe. */
export function keptChild(
  argv: readonly string[],
  data: number | 'pipe',
  where: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): KeptChild {
  const child = spawn('/bin/sh', ['-c', GUARD, 'sh', ...argv], {
    stdio: [data, data, 'pipe', 'pipe'],
    detached: true,
    ...where,
  });
  const line = child.stdio[LINE] as Socket | null | undefined;
  line?.on('error', () => {});
  let released = false;
  const release = (): void => {
    if (!released) line?.end('\n');
    released = true;
  };
  // What it leaves behind, a program that shows a file, say, is not the session.
  child.once('exit', release);
  return { child, release };
}
