// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The CPUs that this process may run on, as `taskset -c` writes them: `0-3,8`. */
export function allowedCpus(): string {
  return /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
}

/** The last CPU of such a list: interrupts and other people's work tend to be on the first. */
export function lastCpu(list: string): number {
  return Number(/(\d+)$/.exec(list)?.[1] ?? 0);
}

/** Binds all threads of this process, and so all its later children, to the CPUs of the list (util-linux' taskset). */
export function bindTo(list: string): void {
  const r = spawnSync('taskset', ['-a', '-p', '-c', list, String(process.pid)], { encoding: 'utf8' });
  if (r.status !== 0)
    throw new Error(
      `cannot bind to CPU ${list}: ${r.error?.message ?? r.stderr.trim()} (Debian package util-linux)`,
    );
}
