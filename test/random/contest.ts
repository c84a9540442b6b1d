// SPDX-License-Identifier: MIT

import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SLOWNESS } from '../conformance/patience.ts';
import { NOBODY } from '../conformance/run.ts';
import type { Target } from '../conformance/targets.ts';
import { shrink } from './shrink.ts';
import type { Quirks, Step } from './steps.ts';
import type { Order, Word } from './worker.ts';

type Done = Extract<Word, { kind: 'done' }>;

/** A batch of steps that takes longer hangs. */
const SILENCE_MS = 60_000 * SLOWNESS;

export interface Outcome {
  steps: number;
  compared: number;
  /** What differed; the steps that lead there; whether they do every time. */
  failure?: { what: string; steps: readonly Step[]; again: boolean };
}

/** One in each line. A long run has more of them than a string can hold. */
function stepsIn(log: Buffer): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < log.length; ) {
    const end = log.indexOf(0x0a, at);
    steps.push(JSON.parse(log.toString('utf8', at, end)) as Step);
    at = end + 1;
  }
  return steps;
}

/** One target, on which runs and replays follow one another, each in a folder of its own. */
export class Contest {
  private readonly target: Target;
  private readonly quirks: Quirks;
  private readonly asUser: boolean;
  private readonly work = mkdtempSync(join(tmpdir(), 'ninefold-random-'));
  private runs = 0;

  constructor(target: Target, quirks: Quirks, asUser: boolean) {
    this.target = target;
    this.quirks = quirks;
    this.asUser = asUser;
  }

  close(): void {
    rmSync(this.work, { recursive: true, force: true });
  }

  /** Random steps from `seed` for `ms` at the most; a failure is shrunk for as long as `shrinkMs`. */
  async random(
    seed: number,
    ms: number,
    shrinkMs: number,
    progress: (steps: number) => void,
  ): Promise<Outcome> {
    const { word, steps } = await this.order(
      { kind: 'random', seed, ms, maxSteps: Number.MAX_SAFE_INTEGER },
      progress,
    );
    return this.outcome(word, steps, shrinkMs);
  }

  /** Steps that a script holds; a failure is shrunk further. */
  async replay(steps: readonly Step[], shrinkMs: number): Promise<Outcome> {
    const { word } = await this.order({ kind: 'replay', steps }, () => undefined);
    return this.outcome(word, steps.slice(0, word.steps), shrinkMs);
  }

  private async outcome(word: Done, steps: readonly Step[], shrinkMs: number): Promise<Outcome> {
    if (word.failure === undefined) return { steps: word.steps, compared: word.compared };
    const end = performance.now() + shrinkMs;
    let what = word.failure;
    // Making it shorter takes its time.
    process.stderr.write(`after ${word.steps} steps:\n${what}\n`);
    const fails = async (some: readonly Step[]): Promise<boolean> => {
      const again = await this.order({ kind: 'replay', steps: some }, () => undefined);
      return again.word.failure !== undefined;
    };
    const again = await fails(steps);
    const least = again ? await shrink(steps, fails, () => performance.now() < end) : steps;
    // The words of the shortest form.
    if (again)
      what = (await this.order({ kind: 'replay', steps: least }, () => undefined)).word.failure ?? what;
    return { steps: word.steps, compared: word.compared, failure: { what, steps: least, again } };
  }

  private async order(
    what:
      | { kind: 'random'; seed: number; ms: number; maxSteps: number }
      | { kind: 'replay'; steps: readonly Step[] },
    progress: (steps: number) => void,
  ): Promise<{ word: Done; steps: Step[] }> {
    const { target, quirks } = this;
    if (target.beside === undefined) throw new Error('this target has no local folder beside it');
    const second = quirks.clients > 1 && target.second !== undefined ? [target.second] : [];
    const places = { roots: [target.dir, ...second], model: target.beside, share: target.share };
    const order: Order = { ...what, places, name: `run${++this.runs}`, quirks };
    const logFile = join(this.work, `steps${this.runs}`);
    const log = openSync(logFile, 'w');
    const script = fileURLToPath(new URL('./worker.js', import.meta.url));
    const child = fork(script, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', log],
      ...(this.asUser ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    closeSync(log);
    const word = await this.listen(child, order, progress);
    const steps = word.failure === undefined ? [] : stepsIn(readFileSync(logFile));
    rmSync(logFile);
    return { word, steps };
  }

  private listen(child: ChildProcess, order: Order, progress: (steps: number) => void): Promise<Done> {
    return new Promise((resolve, reject) => {
      let steps = 0;
      const hung = (): void => {
        child.kill('SIGKILL');
        resolve({
          kind: 'done',
          steps,
          compared: 0,
          failure: `nothing happened for ${SILENCE_MS / 1000} s: the last step hangs`,
        });
      };
      let timer = setTimeout(hung, SILENCE_MS);
      child.on('message', (word: Word) => {
        clearTimeout(timer);
        timer = setTimeout(hung, SILENCE_MS);
        if (word.kind === 'progress') {
          steps = word.steps;
          progress(steps);
        } else if (word.kind === 'done') {
          clearTimeout(timer);
          child.removeAllListeners('exit');
          child.once('exit', () => resolve(word));
          child.disconnect();
        } else
          (this.target.remount?.() ?? Promise.resolve()).then(
            () => child.send({ kind: 'remounted' }),
            reject,
          );
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        reject(new Error(`the process that does the steps ended with ${signal ?? code}`));
      });
      child.send(order);
    });
  }
}
