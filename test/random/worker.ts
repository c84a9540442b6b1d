// SPDX-License-Identifier: MIT
// The process that does the steps, forked by contest.ts: never the one that serves the mount or waits for it, so that a step that hangs can be noticed and ended.

import { writeSync } from 'node:fs';
import { Known, nextStep } from './generate.ts';
import { type Places, Player } from './player.ts';
import { Rng } from './rng.ts';
import type { Quirks, Step } from './steps.ts';

export type Order = { places: Places; name: string; quirks: Quirks } & (
  | { kind: 'random'; seed: number; ms: number; maxSteps: number }
  | { kind: 'replay'; steps: readonly Step[] }
);

export type Word =
  | { kind: 'progress'; steps: number }
  | { kind: 'remount' }
  | { kind: 'done'; steps: number; compared: number; failure?: string };

/** Each step is written here, one line, before it is done. */
const LOG = 4;
const BATCH = 100;
const say = (word: Word): void => void process.send?.(word);

let remounted: (() => void) | undefined;

async function run(order: Order): Promise<void> {
  const player = new Player(order.places, order.name, order.quirks);
  let count = 0;
  const step = async (s: Step, known?: Known): Promise<string | undefined> => {
    count++;
    writeSync(LOG, `${JSON.stringify(s)}\n`);
    if (count % BATCH === 0) {
      say({ kind: 'progress', steps: count });
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (s.do !== 'remount') return player.do(s, known);
    player.closeAll();
    known?.note(s);
    await new Promise<void>((resolve) => {
      remounted = resolve;
      say({ kind: 'remount' });
    });
    return player.do({ do: 'compare' });
  };
  const end = (failure?: string): void => {
    player.closeAll();
    say({
      kind: 'done',
      steps: count,
      compared: player.compared,
      ...(failure === undefined ? {} : { failure }),
    });
  };
  if (order.kind === 'replay') {
    for (const s of order.steps) {
      const failure = await step(s);
      if (failure !== undefined) return end(failure);
    }
    return end();
  }
  const rng = new Rng(order.seed);
  const known = new Known();
  const begin = performance.now();
  let client = 0;
  while (count < order.maxSteps && performance.now() - begin < order.ms) {
    const s = nextStep(rng, known, order.quirks, client);
    client = s.client ?? 0;
    const failure = await step(s, known);
    if (failure !== undefined) return end(failure);
  }
  end(await step({ do: 'compare' }));
}

process.on('message', (message: Order | { kind: 'remounted' }) => {
  if (message.kind === 'remounted') remounted?.();
  else
    run(message).catch((error: Error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exit(70);
    });
});
process.on('disconnect', () => process.exit(0));
process.umask(0o022);
process.chdir('/');
