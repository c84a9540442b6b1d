// SPDX-License-Identifier: MIT

import { EINTR } from './errno.ts';
import type { Mem } from './mem.ts';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, type Sys } from './sys.ts';

/** What a loop watches. `turn` is called with the descriptor's revents; it must not block for long. */
export interface Watch {
  fd: number;
  /** POLLIN and/or POLLOUT; may be changed between turns. 0 = not watched just now (errors neither). */
  events: number;
  turn(revents: number): void;
}

let yieldWanted = false;

/**
 * Called inside a `turn`: Node gets a turn of its own after it. For work that lives in promises, which settle only while Node's loop runs and which no descriptor announces.
 */
export function yieldToNode(): void {
  yieldWanted = true;
}

const POLLFD_SIZE = 8;
/** A busy peer must not starve signals, timers and finished slow calls: after so many turns Node's own loop gets one. */
const TURNS_BEFORE_YIELD = 64;
/**
 * libuv tells the kernel of a new descriptor (a pipe to a child, a socket) only on its next trip, and a callback of that trip may open more. After Node had
 * work it therefore gets so many trips in a row before a sleep: else a child's end, say, would go unheard until something else wakes us.
 */
const TRIPS_AFTER_WORK = 6;
/**
 * A chain of Node's own steps can be longer than that (a child's end, the ends of its pipes, what waited for them), or begin in a promise that a `turn` has settled. After Node had work
 * the loop therefore looks again so often, so many milliseconds apart, before it sleeps for good. The cost is ten wake-ups after the last of its work; a process whose timers are more than 100 ms apart
 * (the broker's are 250) wakes up for each look between them, too.
 */
const LOOKS_AFTER_WORK = 10;
const LOOK_MS = 100;

/**
 * The data plane's loop: a synchronous poll(2) over a few descriptors and over Node's own event loop. While only our descriptors
 * have work, no JavaScript promise, callback or timer costs anything; as soon as Node has some (a signal, a timer, a slow call that
 * came back from the thread pool), the loop yields to it with setImmediate and then goes on.
 *
 * Why not Node's sockets: reading through them costs about 10 µs a message in wake-ups, callbacks and buffers; one poll and one read
 * cost less than 1 µs.
 */
export class Turns {
  private readonly sys: Sys;
  private pollfds: Mem;
  private readonly watches: Watch[] = [];
  private readonly nodeFd: number;
  private max: number;
  private finish: (() => void) | undefined;
  private stopped = false;
  private trips = 0;
  private looks = LOOKS_AFTER_WORK;
  private readonly shortMs: number;
  /** How long to look before the next sleep: `shortMs`, or 0. */
  private lookMs = 0;

  /** `max`: for how many descriptors there is room at first. `shortMs`: see `wait`; 0: sleep at once. */
  constructor(sys: Sys, max = 8, shortMs = 0) {
    this.sys = sys;
    this.max = max;
    this.shortMs = shortMs;
    this.pollfds = sys.alloc((max + 1) * POLLFD_SIZE);
    this.nodeFd = sys.eventLoopFd();
  }

  add(watch: Watch): void {
    if (this.watches.length >= this.max) {
      this.max = Math.max(1, this.max * 2);
      this.pollfds = this.sys.alloc((this.max + 1) * POLLFD_SIZE);
    }
    this.watches.push(watch);
  }

  /** Ahead of all others: what it brings is known before they have their turn. */
  addFirst(watch: Watch): void {
    this.add(watch);
    this.watches.unshift(...this.watches.splice(-1));
  }

  remove(watch: Watch): void {
    const i = this.watches.indexOf(watch);
    if (i >= 0) this.watches.splice(i, 1);
  }

  /** Ends `run` after the present turn. */
  stop(): void {
    this.stopped = true;
  }

  /** Resolves after `stop`. An exception out of a `turn` rejects. */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.finish = resolve;
      const go = (): void => {
        try {
          if (this.spin(TURNS_BEFORE_YIELD, LOOK_MS)) setImmediate(go);
          else this.finish?.();
        } catch (error) {
          reject(error);
        }
      };
      // Two trips through Node's loop first: only then has it put its own descriptors into its epoll set.
      setImmediate(() => setImmediate(go));
    });
  }

  /** At the most so many turns, until Node has work (true) or `stop` (false). */
  private spin(most: number, lookMs: number): boolean {
    yieldWanted = false;
    for (let turns = 0; turns < most && !this.stopped; turns++) {
      if (this.once(lookMs)) break;
    }
    return !this.stopped;
  }

  /** Waits until something has come, or so many milliseconds in vain, and has it worked on. For whoever turns a loop by hand: nothing of Node's is done. */
  turnOnce(lookMs: number): void {
    this.looks = 1;
    this.trips = 0;
    this.spin(1, lookMs);
  }

  /** Waits, and lets those have their turn for whom something has come. True: Node has work. A look takes `lookMs` at the most. */
  private once(lookMs: number): boolean {
    const { sys, watches, pollfds } = this;
    const dv = pollfds.dv;
    const count = watches.length;
    for (let i = 0; i < count; i++) {
      const w = watches[i] as Watch;
      dv.setInt32(i * POLLFD_SIZE, w.events === 0 ? -1 : w.fd, true);
      dv.setUint32(i * POLLFD_SIZE + 4, w.events, true);
    }
    dv.setInt32(count * POLLFD_SIZE, this.nodeFd, true);
    dv.setUint32(count * POLLFD_SIZE + 4, POLLIN, true);
    const timeout = this.trips > 0 ? 0 : sys.eventLoopTimeout();
    const looking = this.looks > 0 && (timeout < 0 || timeout > lookMs);
    const ready = this.wait(count + 1, looking ? lookMs : timeout);
    if (ready < 0 && ready !== -EINTR) throw new Error(`poll: errno ${-ready}`);
    if (ready <= 0) {
      this.inVain(ready, looking);
      return true;
    }
    const nodeReady = dv.getUint16(count * POLLFD_SIZE + 6, true) !== 0;
    // `turn` may add or remove watches: look the events up before the first call.
    for (let i = 0; i < count; i++) {
      const w = watches[i];
      const revents = dv.getUint16(i * POLLFD_SIZE + 6, true);
      if (w !== undefined && revents !== 0 && dv.getInt32(i * POLLFD_SIZE, true) === w.fd) w.turn(revents);
      if (this.stopped) return false;
    }
    // Without a branch: one that is not taken in a rehearsal makes V8 throw the code away when it is (mount/rehearsal).
    const nodeWorks = nodeReady || yieldWanted;
    const { trips, looks } = this;
    this.trips = nodeWorks ? TRIPS_AFTER_WORK : trips;
    this.looks = nodeWorks ? LOOKS_AFTER_WORK : looks;
    return nodeWorks;
  }

  /** `ready` 0: a trip, a look, or a Node timer is due. -EINTR: a signal, whose handler runs in Node's loop. */
  private inVain(ready: number, looking: boolean): void {
    const trips = this.trips - 1;
    const looks = this.looks - 1;
    const trip = ready === 0 && trips >= 0;
    const look = ready === 0 && looking;
    this.trips = trip ? trips : TRIPS_AFTER_WORK;
    this.looks = trip ? this.looks : look ? looks : LOOKS_AFTER_WORK;
  }

  /**
   * poll(2). To fall asleep and be woken costs 5 µs of CPU and, on a virtual machine, 25 µs and more until one runs again; in a stream of short waits (an answer of a server on the same machine,
   * a program's next call) most of the time goes there. So while the last wait was a short one, this looks again and again for as long before it sleeps. One longer wait, and it sleeps at once until
   * there is a short one again: the kernel's halt_poll for guests does the same (Documentation/virt/kvm/halt-polling.rst).
   */
  private wait(count: number, timeout: number): number {
    const { sys, pollfds, shortMs } = this;
    if (shortMs === 0 || timeout === 0) return sys.poll(pollfds, count, timeout);
    const since = performance.now();
    for (let now = since; now - since < this.lookMs; now = performance.now()) {
      const ready = sys.poll(pollfds, count, 0);
      if (ready !== 0) return ready;
    }
    const ready = sys.poll(pollfds, count, timeout);
    this.lookMs = performance.now() - since < shortMs ? shortMs : 0;
    return ready;
  }
}

export const READABLE = POLLIN | POLLHUP | POLLERR | POLLNVAL;
export const WRITABLE = POLLOUT | POLLHUP | POLLERR | POLLNVAL;
