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

/**
 * Work that has V8 compile what is about to be needed: the first few thousand requests cost a multiple of the later ones else. Done a slice at a time, by `step` while there is nothing else to do, or in
 * idle moments from `start` on, until it has had its time.
 */
export class WarmUp {
  /** Whether nobody waits for us at this moment. */
  idle: () => boolean = () => true;
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
    if (this.over || this.timer !== undefined || this.turn !== undefined) return;
    this.until = Math.min(this.until, performance.now() + this.parts.withinMs);
    // A timer that comes due while Node runs timers is run with them; an immediate comes after everything else has had its turn.
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.turn = setImmediate(() => this.slice());
    }, 1);
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
    if (this.idle()) this.step();
    this.start();
  }
}
