// SPDX-License-Identifier: MIT

import { EINVAL, ENOSYS } from '../base/errno.ts';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import type { LandlockOrder } from './plan.ts';

/** The system calls of the Landlock launcher: `linux/` has them. Results are ≥ 0 or -errno. */
export interface Confiner {
  /** An O_PATH, close-on-exec descriptor. */
  openPath(path: string): number;
  /** Whether a descriptor is something else than a folder. */
  isFile(fd: number): boolean;
  restrict(
    rules: readonly { fd: number; access: 'read' | 'execute' | 'all' }[],
    isFile: (fd: number) => boolean,
  ): number;
  keepCapabilities(names: readonly string[]): number;
  /** What this process becomes makes no io_uring, so that its own filter of calls holds. */
  refuseRings(): number;
  setParentDeathSignal(signal: number): number;
  setCloseOnExec(fd: number, on: boolean): number;
  execve(path: string, argv: readonly string[], env: Readonly<Record<string, string>>): number;
}

const SIGKILL = 9;

/**
 * Restricts this process, then becomes the program of the order: Landlock binds a thread and what it executes, but not the threads that this
 * Node has besides. Does not come back; throws NinefoldError LANDLOCK_FAILED (exit 71) or EXEC_FAILED (71).
 */
export function launchLandlocked(
  order: LandlockOrder,
  confiner: Confiner,
  env: Readonly<Record<string, string>>,
): never {
  const rules = [];
  for (const { path, access } of order.rules) {
    const fd = confiner.openPath(path);
    if (fd < 0) throw failed('LANDLOCK_FAILED', 'cannot confine the server: no access to', path, fd);
    rules.push({ fd, access });
  }
  rules.push({ fd: order.shareFd, access: order.readOnly ? ('read' as const) : ('all' as const) });
  if (order.dieWithParent) confiner.setParentDeathSignal(SIGKILL);
  const kept = confiner.keepCapabilities(order.capabilities);
  if (kept < 0) throw failed('LANDLOCK_FAILED', 'cannot give up privileges for', 'the server', kept);
  const r = confiner.restrict(rules, (fd) => confiner.isFile(fd));
  if (r < 0) throw failed('LANDLOCK_FAILED', 'cannot confine the server with', 'Landlock', r);
  const refused = confiner.refuseRings();
  // A kernel without filters of calls has none for the server either, which says so.
  if (refused < 0 && refused !== -EINVAL && refused !== -ENOSYS)
    throw failed('LANDLOCK_FAILED', 'cannot keep io_uring from', 'the server', refused);
  // Node has marked all that it inherited close-on-exec (uv_disable_stdio_inheritance). One that is closed already stays so.
  for (const fd of [0, 1, 2, order.shareFd, ...order.fds]) confiner.setCloseOnExec(fd, false);
  const program = order.argv[0] ?? '';
  throw failed('EXEC_FAILED', 'cannot run', program, confiner.execve(program, order.argv, env));
}

function failed(code: string, what: string, on: string, result: number): NinefoldError {
  return new NinefoldError({
    code,
    exit: EXIT.osMissing,
    what,
    on: printable(on),
    why: because(result),
    remedy: 'install the package bubblewrap, which needs no such launcher',
  });
}
