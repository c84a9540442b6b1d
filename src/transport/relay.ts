// SPDX-License-Identifier: MIT

import { EAGAIN, EINTR } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT } from '../base/sys.ts';
import type { TransportSys } from './sys.ts';

/** Where bytes come from and go to: one socket twice, or two pipes. */
export interface Ends {
  readonly readFd: number;
  readonly writeFd: number;
}

type RelaySys = Pick<
  TransportSys,
  'alloc' | 'close' | 'poll' | 'read' | 'write' | 'setNonBlocking' | 'shutdownWrite'
>;

/** One direction. */
interface Way {
  readonly from: number;
  readonly to: number;
  readonly mem: Mem;
  /** What was read and is not written yet lies from `at` to `end`. */
  at: number;
  end: number;
  /** Nothing more comes. */
  dry: boolean;
  over: boolean;
}

const POLLFD_SIZE = 8;
const GONE = POLLERR | POLLHUP | POLLNVAL;
const BUFFER = 256 * 1024;
/** Not in base/errno.ts, which holds what 9P carries. */
const ENOTSOCK = 88;

/**
 * Carries bytes both ways between what cannot be handed on as a descriptor and what can: a vsock or a pipe of ssh, and a Unix socket. The end of one direction is passed on as such, so that
 * the other may go on: a pipe is closed for that. Descriptors are made non-blocking; sockets stay the caller's to close.
 */
export class Relay {
  readonly #sys: RelaySys;
  readonly #ways: readonly [Way, Way];
  readonly #pollfds: Mem;

  /** `buffer`: bytes held at the most, for each direction. */
  constructor(sys: RelaySys, left: Ends, right: Ends, buffer = BUFFER) {
    this.#sys = sys;
    const way = (from: number, to: number): Way => ({
      from,
      to,
      mem: sys.alloc(buffer),
      at: 0,
      end: 0,
      dry: false,
      over: false,
    });
    this.#ways = [way(left.readFd, right.writeFd), way(right.readFd, left.writeFd)];
    this.#pollfds = sys.alloc(4 * POLLFD_SIZE);
    for (const fd of [left.readFd, left.writeFd, right.readFd, right.writeFd]) sys.setNonBlocking(fd, true);
  }

  /** Waits so many milliseconds (-1: for ever) for something to do, and does it. How many bytes were moved; -1: both directions are over. */
  turn(timeoutMs: number): number {
    for (const [i, way] of this.#ways.entries()) this.#watch(i, way);
    const ready = this.#sys.poll(this.#pollfds, 4, timeoutMs);
    if (ready < 0 && ready !== -EINTR) return -1;
    let moved = 0;
    if (ready > 0) for (const [i, way] of this.#ways.entries()) if (!way.over) moved += this.#move(i, way);
    return this.#ways.every((way) => way.over) ? -1 : moved;
  }

  #watch(i: number, way: Way): void {
    const { dv } = this.#pollfds;
    const put = (at: number, fd: number, events: number): void => {
      dv.setInt32(at * POLLFD_SIZE, fd, true);
      dv.setUint32(at * POLLFD_SIZE + 4, events, true);
    };
    const room = !way.dry && way.end < way.mem.u8.length;
    // A descriptor without events still tells of its end, and would without end: it is left out where that is known or does not matter.
    put(2 * i, !way.over && room ? way.from : -1, POLLIN);
    put(2 * i + 1, way.over ? -1 : way.to, way.end > way.at ? POLLOUT : 0);
  }

  #move(i: number, way: Way): number {
    const { dv } = this.#pollfds;
    const revents = (at: number): number => dv.getUint16(at * POLLFD_SIZE + 6, true);
    let moved = 0;
    if (revents(2 * i) !== 0) {
      const n = this.#sys.read(way.from, way.mem, way.end, way.mem.u8.length - way.end);
      if (n > 0) way.end += n;
      else if (n !== -EAGAIN && n !== -EINTR) way.dry = true;
      moved = Math.max(n, 0);
    }
    if (way.end > way.at) {
      const n = this.#sys.write(way.to, way.mem, way.at, way.end - way.at);
      if (n > 0) way.at += n;
      else if (n !== -EAGAIN && n !== -EINTR) way.over = true;
      moved += Math.max(n, 0);
      if (way.at === way.end) {
        way.at = 0;
        way.end = 0;
      }
    }
    // Nobody is there to read any more.
    if ((revents(2 * i + 1) & GONE) !== 0) way.over = true;
    if (way.dry && way.end === way.at) way.over = true;
    if (way.over && this.#sys.shutdownWrite(way.to) === -ENOTSOCK) this.#sys.close(way.to);
    return moved;
  }
}

/** Carries bytes until both directions are over, and nothing else: this process does no other work. */
export function relay(sys: RelaySys, left: Ends, right: Ends): void {
  const both = new Relay(sys, left, right);
  while (both.turn(-1) >= 0);
}
