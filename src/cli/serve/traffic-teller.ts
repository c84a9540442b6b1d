// SPDX-License-Identifier: MIT

import { EAGAIN, ENOTSOCK } from '../../base/errno.ts';
import type { Mem } from '../../base/mem.ts';
import { POLLOUT, type Sys } from '../../base/sys.ts';
import { formatTraffic, TRAFFIC_LINE_MAX } from '../../broker/traffic-line.ts';
import type { Stats } from '../../p9-server/index.ts';

const PAUSE_MS = 1000;

/**
 * Tells whoever keeps a session what goes through it: a line of counters when they have changed, at most one a second, and a last one. Never waits: what the other side does not take is left out, since the next line has
 * it all. Nothing wakes up while nothing happens.
 */
export class TrafficTeller {
  readonly #sys: Sys;
  readonly #fd: number;
  readonly #stats: Stats;
  readonly #mem: Mem;
  readonly #pollfd: Mem;
  #told = '';
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  /** `fd` stays the caller's to close. */
  constructor(sys: Sys, fd: number, stats: Stats) {
    this.#sys = sys;
    this.#fd = fd;
    this.#stats = stats;
    this.#mem = sys.alloc(TRAFFIC_LINE_MAX);
    this.#pollfd = sys.alloc(8);
    this.#pollfd.dv.setInt32(0, fd, true);
    stats.replied = () => this.#replied();
  }

  /** The counters as they are at the end; nothing is told after them. */
  last(): void {
    if (this.#over) return;
    this.#tell();
    this.#end();
  }

  // Looks at the clock itself: under load a timer may come late, because Node's loop has a turn only now and then.
  #replied(): void {
    const now = performance.now();
    if (now >= this.#next) this.#tell();
    else
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#tell();
      }, PAUSE_MS);
  }

  #tell(): void {
    if (this.#over) return;
    this.#next = performance.now() + PAUSE_MS;
    const { read, written, requests } = this.#stats;
    const line = formatTraffic({ read, written, operations: requests });
    if (line === this.#told) return;
    const length = this.#mem.cstring(`${line}\n`);
    const sent = this.#send(length);
    if (sent === length) this.#told = line;
    // The other side is gone, or would see half a line.
    else if (sent !== -EAGAIN) this.#end();
  }

  #send(length: number): number {
    const sent = this.#sys.send(this.#fd, this.#mem, 0, length);
    if (sent !== -ENOTSOCK) return sent;
    this.#pollfd.dv.setUint32(4, POLLOUT, true);
    // A pipe that can be written to takes a short line as a whole; one that nobody reads any more says so when it is.
    if (this.#sys.poll(this.#pollfd, 1, 0) <= 0) return -EAGAIN;
    return this.#sys.write(this.#fd, this.#mem, 0, length);
  }

  #end(): void {
    this.#over = true;
    this.#stats.replied = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
