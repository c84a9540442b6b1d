// SPDX-License-Identifier: MIT

import type { ChildProcess } from 'node:child_process';
import { processTree } from './cpu.ts';

/** Kills a child and all below it, by pid. Synchronous: also for clean-up inside a signal handler. */
export function killTree(child: ChildProcess): void {
  if (child.pid === undefined || ended(child)) return;
  for (const pid of processTree(child.pid)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}

/** Resolves to true when the child ends within `ms`, else to false. */
export function endsWithin(child: ChildProcess, ms: number): Promise<boolean> {
  if (ended(child)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const done = (r: boolean) => (): void => {
      clearTimeout(timer);
      child.off('exit', onExit);
      resolve(r);
    };
    const onExit = done(true);
    const timer = setTimeout(done(false), ms);
    child.on('exit', onExit);
  });
}

/** Keeps the last 4 KiB of what a child says on stderr. */
export function tailOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-4096);
  });
  return () => text.trim();
}

export function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
