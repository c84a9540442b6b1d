// SPDX-License-Identifier: MIT

import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import { setCloseOnExec } from '../../linux/descriptors.ts';
import { closeOnExecFrom, execve } from '../../linux/process.ts';
import type { Launch } from './launch.ts';

/**
 * Replaces this process by the data plane: same process id, so that whoever started it waits for the right one, and no second Node in memory.
 * Only `keep` and stderr stay open. Throws NinefoldError EXEC_FAILED (exit 71); else does not come back.
 */
export function becomeWorker(launch: Pick<Launch, 'argv' | 'env'>, keep: readonly number[]): never {
  closeOnExecFrom(0);
  for (const fd of new Set([2, ...keep])) setCloseOnExec(fd, false);
  const program = launch.argv[0] ?? '';
  const result = execve(program, launch.argv, launch.env);
  throw new NinefoldError({
    code: 'EXEC_FAILED',
    exit: EXIT.osMissing,
    what: 'cannot run',
    on: printable(program),
    why: because(result),
    remedy: 'check that it is installed and may be run',
  });
}
