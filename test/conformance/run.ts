// SPDX-License-Identifier: MIT

import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Caps } from './case.ts';
import { cases } from './cases/index.ts';
import type { Order, Outcome } from './child.ts';
import { SLOWNESS } from './patience.ts';

export type { Outcome } from './child.ts';

/** Debian's `nobody` and `nogroup`. */
export const NOBODY = 65_534;
const CASE_LIMIT_MS = 30_000 * SLOWNESS;

export interface Plan {
  /** Each case makes a fresh folder in here: whoever runs them must be able to. */
  dir: string;
  /** `dir` as a second client sees it, if there is one. */
  second?: string | undefined;
  caps: Caps;
  /** Run the cases as `nobody`; only root can. */
  asUser?: boolean;
  /** Only the cases whose name matches. */
  only?: RegExp;
  /** Told each outcome as it comes. */
  report?: (outcome: Outcome) => void;
}

/** Runs the cases one after the other in a process of their own. A case that hangs or kills its process has failed, and the next gets a fresh one. */
export async function runCases(plan: Plan): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let child: ChildProcess | undefined;
  let number = 0;
  for (const name of Object.keys(cases)) {
    if (plan.only && !plan.only.test(name)) continue;
    child ??= startChild(plan.asUser ?? false);
    const folder = `case-${process.pid}-${++number}`;
    const outcome = await runOne(child, {
      name,
      dir: join(plan.dir, folder),
      ...(plan.second === undefined ? {} : { second: join(plan.second, folder) }),
      caps: plan.caps,
    });
    outcomes.push(outcome);
    plan.report?.(outcome);
    if (!child.connected || child.killed) child = undefined;
  }
  if (child) await endChild(child);
  return outcomes;
}

function startChild(asUser: boolean): ChildProcess {
  const script = fileURLToPath(new URL('./child.js', import.meta.url));
  return fork(script, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    ...(asUser ? { uid: NOBODY, gid: NOBODY } : {}),
  });
}

function runOne(child: ChildProcess, order: Order): Promise<Outcome> {
  return new Promise((resolve) => {
    const begin = performance.now();
    const finish = (outcome: Outcome): void => {
      clearTimeout(timer);
      child.off('message', finish);
      child.off('exit', gone);
      resolve(outcome);
    };
    const failed = (why: string): void =>
      finish({ name: order.name, status: 'failed', why, ms: Math.round(performance.now() - begin) });
    const gone = (code: number | null, signal: string | null): void =>
      failed(`its process ended with ${signal ?? code}`);
    const timer = setTimeout(() => {
      child.off('exit', gone);
      child.kill('SIGKILL');
      failed(`not done after ${CASE_LIMIT_MS / 1000} s`);
    }, CASE_LIMIT_MS);
    child.on('message', finish);
    child.on('exit', gone);
    child.send(order);
  });
}

function endChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.disconnect();
  });
}
