// SPDX-License-Identifier: MIT

import { closeSync, constants, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { isHeld, type Lock, type LockSys, lock, tryLock } from './lock.ts';
import { makeOwned, openOwned, writeOwned } from './owned.ts';

/** Why a request is refused without a question. */
export type Closed =
  /** A question of this source is open already. */
  | 'pending'
  /** This source was refused just now. */
  | 'cool-down'
  /** Questions of others stood in line for too long. */
  | 'queue';

export const CLOSED_WORDS: Readonly<Record<Closed, string>> = {
  pending: 'a question of this qube is open already',
  'cool-down': 'it was refused just now and is to wait',
  queue: 'the questions of other qubes took too long',
};

/** A question may be put. `leave` tells how it ended. */
export interface Turn {
  /** Requests of this source that were turned away since the last question. */
  readonly refusedMeanwhile: number;
  /** Other sources that stand in line for a question now. */
  readonly waiting: number;
  /** The file that says from then on how many there are: decimal digits. */
  readonly waitingFile: string;
  leave(outcome: 'allowed' | 'refused'): void;
}

/** Seconds of quiet after a refusal, doubled with each one that follows, up to the last. */
const COOL_MS = 10_000;
const COOL_MAX_MS = 300_000;
/** A burst is over when nothing came for so long. */
const BURST_MS = 60_000;
/** What is counted up to. */
const COUNT_MAX = 1_000_000;
/** How long a machine is remembered that does not ask. */
const KEPT_MS = 7 * 86_400_000;
/** No machine's: their names begin with a letter. */
const QUESTION_LOCK = '.question.lock';
const WAITING = 'waiting';
/** How often it is looked who stands in line. */
const WAITING_MS = 500;

/** `rule-ID`: what that rule decides. `claims`: connections that a machine says another has made to it. No dot in any: names of machines have them. */
export type Counted = 'turned-away' | 'malformed' | 'claims' | `rule-${string}`;

const STATE = v.object({ until: v.number(), refusals: v.number() });

/**
 * Who may put a question: one at a time for each source, one at a time altogether, and none for a while after a refusal. It works through files in a folder of the
 * broker's user, because each request may be a process of its own. `source` is a checked name.
 */
export class Gate {
  readonly #dir: string;
  readonly #sys: LockSys;
  readonly #now: () => number;
  readonly #queueMs: number;

  /** `queueMs`: how long a request waits for the questions of other sources. The folder is made. */
  constructor(dir: string, sys: LockSys, now: () => number, queueMs: number) {
    makeOwned(dir);
    this.#dir = dir;
    this.#sys = sys;
    this.#now = now;
    this.#queueMs = queueMs;
  }

  async enter(source: string): Promise<Turn | Closed> {
    const own = tryLock(this.#sys, this.#file(source, 'lock'));
    if (own === undefined) return 'pending';
    let all: Lock | undefined;
    try {
      const state = this.#state(source);
      if (this.#now() < state.until) {
        own.release();
        return 'cool-down';
      }
      all = await lock(this.#sys, join(this.#dir, QUESTION_LOCK), this.#queueMs);
      if (all === undefined) {
        own.release();
        return 'queue';
      }
      const refusedMeanwhile = this.#take(source, 'turned-away');
      const told = this.#tellWaiting(source);
      const release = (): void => {
        told.stop();
        all?.release();
        own.release();
      };
      return {
        refusedMeanwhile,
        waiting: told.count,
        waitingFile: join(this.#dir, WAITING),
        leave: (outcome) => {
          const refusals = outcome === 'allowed' ? 0 : state.refusals + 1;
          const quiet = refusals === 0 ? 0 : Math.min(COOL_MS * 2 ** (refusals - 1), COOL_MAX_MS);
          try {
            writeOwned(this.#file(source, 'state'), JSON.stringify({ until: this.#now() + quiet, refusals }));
          } finally {
            release();
          }
        },
      };
    } catch (error) {
      all?.release();
      own.release();
      throw error;
    }
  }

  /** Counts something of which only a few are to be written down. True: this is one of the first, or a power of ten; `count` says which. */
  count(source: string, what: Counted, first: number): { tell: boolean; count: number } {
    const path = this.#file(source, what);
    const old = statSync(path, { throwIfNoEntry: false });
    if (old !== undefined && (this.#now() - old.mtimeMs > BURST_MS || old.size >= COUNT_MAX))
      rmSync(path, { force: true });
    // One byte each: an append is whole, whoever else counts.
    const fd = openOwned(path, constants.O_WRONLY | constants.O_APPEND);
    try {
      writeSync(fd, '.');
    } finally {
      closeSync(fd);
    }
    const count = statSync(path, { throwIfNoEntry: false })?.size ?? 1;
    return { tell: count <= first || /^10*$/.test(String(count)), count };
  }

  /** Takes away what was kept about machines that have not asked for long: disposables have a new name each time. */
  sweep(): void {
    for (const name of readdirSync(this.#dir)) {
      if (name === QUESTION_LOCK || name === WAITING) continue;
      const path = join(this.#dir, name);
      const found = statSync(path, { throwIfNoEntry: false });
      if (found === undefined || this.#now() - found.mtimeMs < KEPT_MS) continue;
      const held = name.endsWith('.lock') ? tryLock(this.#sys, path) : undefined;
      // One that is held belongs to a question that is open.
      if (held !== undefined || !name.endsWith('.lock')) rmSync(path, { force: true });
      held?.release();
    }
  }

  /** Takes the quiet after a refusal away. */
  forget(source: string): void {
    rmSync(this.#file(source, 'state'), { force: true });
  }

  #take(source: string, what: string): number {
    const path = this.#file(source, what);
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    rmSync(path, { force: true });
    return size;
  }

  /** Other sources that stand in line behind the open question of `source`: each holds its own lock while it waits for the question's. */
  waiting(source: string): number {
    return readdirSync(this.#dir).filter(
      (name) =>
        name.endsWith('.lock') &&
        name !== QUESTION_LOCK &&
        name !== `${source}.lock` &&
        isHeld(this.#sys, join(this.#dir, name)),
    ).length;
  }

  /** Looks again and again while a question is open, and writes what it finds. Of one open question there is one writer. */
  #tellWaiting(source: string): { readonly count: number; stop(): void } {
    const path = join(this.#dir, WAITING);
    let last = this.waiting(source);
    writeOwned(path, String(last));
    const timer = setInterval(() => {
      try {
        const count = this.waiting(source);
        if (count !== last) writeOwned(path, String(count));
        last = count;
      } catch {
        // A full disk, say. It is only for the person to know.
      }
    }, WAITING_MS);
    timer.unref();
    return { count: last, stop: () => clearInterval(timer) };
  }

  #state(source: string): { until: number; refusals: number } {
    try {
      const parsed = v.safeParse(STATE, JSON.parse(readFileSync(this.#file(source, 'state'), 'utf8')));
      if (!parsed.success) return { until: 0, refusals: 0 };
      // A clock that was set back must not close the gate for ever; and after a long quiet all is forgotten.
      const { until, refusals } = parsed.output;
      const now = this.#now();
      if (until > now + COOL_MAX_MS || now > until + COOL_MAX_MS) return { until: 0, refusals: 0 };
      return { until, refusals };
    } catch {
      return { until: 0, refusals: 0 };
    }
  }

  #file(source: string, what: string): string {
    return join(this.#dir, `${source}.${what}`);
  }
}
