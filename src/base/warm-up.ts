// SPDX-License-Identifier: MIT

/** One piece of work of a few milliseconds at the most, repeated: `round` is counted from 0. False: it cannot go on. */
export type Play = (round: number) => boolean;

export interface WarmUpParts {
  readonly play: Play;
  /** Milliseconds altogether. */
  readonly totalMs: number;
  /** No later than so many milliseconds after `start`: on a crowded machine a slice takes longer and brings less, and others need the time. */
  readonly withinMs: number;
  /** Gives back what it needed. Called once. */
  readonly end: () => void;
  /** Runs a slice. Where V8's settings are others during one. */
  readonly around?: (slice: () => void) => void;
}

/** Milliseconds of one slice: so long may whoever comes meanwhile have to wait. */
const SLICE_MS = 4;
/** Between two of them, for whoever came meanwhile. Milliseconds. */
const BREATH_MS = 1;

/**
 * Nobody has asked anything for so long: an idle moment. A program at work is not quiet for that long, and would wait for what is begun in between (`git status` on a fresh mount, at once: 458 ms, with
 * 3 ms here 528). Milliseconds.
 */
export const QUIET_MS = 20;

/**
 * Work that has V8 compile what is about to be needed: the first few thousand requests cost a multiple of the later ones else. Done a slice at a time, by `step` while there is nothing else to do, or in
 * idle moments from `start` on, until it has had its time.
 */
export class WarmUp {
  /** How long it will be at the least until nobody waits for us; 0: nobody does now. Milliseconds. */
  untilIdle: () => number = () => 0;
  private readonly parts: WarmUpParts;
  private spent = 0;
  private rounds = 0;
  private until = Infinity;
  private over = false;
  private timer: NodeJS.Timeout | undefined;
  private turn: NodeJS.Immediate | undefined;

  constructor(parts: WarmUpParts) {
    this.parts = parts;
  }

  /** Begins, or goes on, in idle moments; while it runs a further call changes nothing. */
  start(): void {
    this.until = Math.min(this.until, performance.now() + this.parts.withinMs);
    this.after(BREATH_MS);
  }

  private after(ms: number): void {
    if (this.over || this.timer !== undefined || this.turn !== undefined) return;
    // A timer that comes due while Node runs timers is run with them; an immediate comes after everything else has had its turn.
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.turn = setImmediate(() => this.slice());
    }, ms);
  }

  /** No more of it. */
  stop(): void {
    clearTimeout(this.timer);
    clearImmediate(this.turn);
    this.timer = this.turn = undefined;
    if (this.over) return;
    this.over = true;
    this.parts.end();
  }

  /** A slice now. False: it has had its time. */
  step(): boolean {
    if (this.over) return false;
    const { play, totalMs, around } = this.parts;
    const since = performance.now();
    let more = true;
    const slice = (): void => {
      while (more && performance.now() - since < SLICE_MS) more = play(this.rounds++);
    };
    if (around === undefined) slice();
    else around(slice);
    this.spent += performance.now() - since;
    if (!more || this.spent >= totalMs) this.stop();
    return !this.over;
  }

  private slice(): void {
    this.turn = undefined;
    if (performance.now() > this.until) return this.stop();
    const left = this.untilIdle();
    if (left <= 0) this.step();
    this.after(Math.max(left, BREATH_MS));
  }
}
