// SPDX-License-Identifier: MIT
// The process that runs the cases, forked by run.ts: never the one that serves the mount, which would wait for itself.

import { openSys } from '../../src/linux/index.ts';
import { Cannot, type Caps } from './case.ts';
import { cases } from './cases/index.ts';
import { Context } from './context.ts';

export interface Order {
  name: string;
  dir: string;
  /** `dir` as a second client sees it. */
  second?: string;
  caps: Caps;
}

export interface Outcome {
  name: string;
  status: 'passed' | 'failed' | 'cannot';
  /** Why it failed or cannot be carried. */
  why: string;
  ms: number;
}

async function run({ name, dir, caps, second }: Order): Promise<Outcome> {
  const begin = performance.now();
  const done = (status: Outcome['status'], why: string): Outcome => ({
    name,
    status,
    why,
    ms: Math.round(performance.now() - begin),
  });
  const work = cases[name];
  if (work === undefined) return done('failed', 'no such case');
  process.umask(0o022);
  let context: Context | undefined;
  let outcome: Outcome;
  try {
    context = new Context(openSys(), dir, caps, second);
    await work(context);
    outcome = done('passed', '');
  } catch (error) {
    outcome = error instanceof Cannot ? done('cannot', error.message) : done('failed', describe(error));
  }
  try {
    await context?.end();
  } catch (error) {
    if (outcome.status !== 'failed') outcome = done('failed', `afterwards: ${describe(error)}`);
  }
  return outcome;
}

/** The message and the line of the case, on one line. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const at = error.stack?.split('\n').find((l) => l.includes('/cases/'));
  const where = /cases\/[\w-]+\.js:\d+/.exec(at ?? '')?.[0];
  const message = error.message
    .split('\n')
    .filter((l) => l.trim() !== '')
    .join(' | ')
    .slice(0, 400);
  return where === undefined ? message : `${message} (${where})`;
}

process.on('message', (order: Order) => {
  void run(order).then((outcome) => process.send?.(outcome));
});
process.on('disconnect', () => process.exit(0));
// No case may depend on where it was started.
process.chdir('/');
