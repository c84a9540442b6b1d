// SPDX-License-Identifier: MIT

/** Milliseconds in which nothing can be allowed after the window came before the person. */
export const GUARD_MS = 1000;

/**
 * When an answer that lasts or allows may be given at all: a second after the window came (to the screen, or to the front again), and when no key is down
 * that went down before that second was over. A window that pops up under moving hands grants nothing. Times in milliseconds of any steady clock.
 */
export class Guard {
  #came: number | undefined;
  #opened = false;
  /** Keys that went down, or were repeated, while it was closed. */
  readonly #down = new Set<number>();

  /** The window was put on the screen, or came to the front: the second begins anew. */
  came(now: number): void {
    this.#came = now;
    this.#opened = false;
  }

  pressed(key: number): void {
    if (!this.#opened) this.#down.add(key);
  }

  released(key: number): void {
    this.#down.delete(key);
  }

  /** The window lost the keyboard: releases are told to another. A key that is still held when it comes back repeats, and is known by that. */
  left(): void {
    this.#down.clear();
  }

  /** Once open it stays open until the window comes anew. */
  isOpen(now: number): boolean {
    if (this.#opened) return true;
    this.#opened = this.#came !== undefined && now - this.#came >= GUARD_MS && this.#down.size === 0;
    return this.#opened;
  }
}

/**
 * A button pressed by keyboard: it counts on release, and not when the key was repeated meanwhile, so that a key that was held down before the button had the
 * focus does nothing, however late its repeats begin.
 */
export class KeyPress {
  #key: number | undefined;
  #repeated = false;

  pressed(key: number): void {
    if (this.#key === key) this.#repeated = true;
    else [this.#key, this.#repeated] = [key, false];
  }

  /** True: this was one press and one release of the key. */
  released(key: number): boolean {
    const whole = this.#key === key && !this.#repeated;
    this.forget();
    return whole;
  }

  /** The focus has gone elsewhere. */
  forget(): void {
    [this.#key, this.#repeated] = [undefined, false];
  }
}
