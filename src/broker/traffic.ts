// SPDX-License-Identifier: MIT

import { StringDecoder } from 'node:string_decoder';
import { follows, parseTraffic, type Traffic } from './traffic-line.ts';

/** A server tells its counters once a second, and once more at its end. Of more only so many a second are looked at. */
const LOOKED_AT = 4;
const SECOND_MS = 1000;

/** Takes in what a server says of its traffic, and believes it as far as it can be true at all. */
export class TrafficMeter {
  #latest: Traffic | undefined;
  #changed = false;
  #second = Number.NEGATIVE_INFINITY;
  #looked = 0;
  #taken = Number.NEGATIVE_INFINITY;
  readonly #now: () => number;

  /** `now`: a clock that never goes back, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get latest(): Traffic | undefined {
    return this.#latest;
  }

  /** One line of it; whatever makes no sense is passed over. */
  tell(line: string): void {
    const now = this.#now();
    if (now - this.#second >= SECOND_MS) {
      this.#second = now;
      this.#looked = 0;
    }
    if (this.#looked >= LOOKED_AT) return;
    this.#looked++;
    const traffic = parseTraffic(line);
    if (traffic === undefined || !follows(traffic, this.#latest)) return;
    this.#latest = traffic;
    this.#changed = true;
  }

  /** What is to be shown now, when that is something new; at most once a second. */
  take(): Traffic | undefined {
    const now = this.#now();
    if (!this.#changed || now - this.#taken < SECOND_MS) return undefined;
    this.#changed = false;
    this.#taken = now;
    return this.#latest;
  }
}

/** Cuts a stream into lines. Of one that is longer than `max` characters nothing but its beginning comes, `max` characters of it, as soon as they are there. */
export class LineCutter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #max: number;
  readonly #line: (line: string) => void;
  #rest = '';
  #skipping = false;

  constructor(max: number, line: (line: string) => void) {
    this.#max = max;
    this.#line = line;
  }

  push(part: Buffer): void {
    const text = this.#decoder.write(part);
    for (let at = 0; ; ) {
      const newline = text.indexOf('\n', at);
      this.#add(text.slice(at, newline < 0 ? undefined : newline));
      if (newline < 0) return;
      if (!this.#skipping) this.#line(this.#rest);
      this.#rest = '';
      this.#skipping = false;
      at = newline + 1;
    }
  }

  /** The end: what came after the last newline. */
  end(): void {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
  }

  #add(piece: string): void {
    if (this.#skipping) return;
    this.#rest += piece;
    if (this.#rest.length <= this.#max) return;
    this.#line(this.#rest.slice(0, this.#max));
    this.#rest = '';
    this.#skipping = true;
  }
}

/** More than this within a second is no telling of counters. */
const BYTES_A_SECOND = 64 * 1024;

/** Does a line bring more than a server has to say? Then it is to be ended: reading all of it would be work without end. */
export class Flood {
  #second = Number.NEGATIVE_INFINITY;
  #bytes = 0;

  /** `bytes` more have come; true: too many. */
  add(bytes: number, now = performance.now()): boolean {
    if (now - this.#second >= SECOND_MS) {
      this.#second = now;
      this.#bytes = 0;
    }
    this.#bytes += bytes;
    return this.#bytes > BYTES_A_SECOND;
  }
}
