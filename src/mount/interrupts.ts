// SPDX-License-Identifier: MIT

import { EINTR } from '../base/errno.ts';
import { OP } from '../fuse-abi/index.ts';
import type { Engine } from './engine.ts';
import type { Op } from './op.ts';

/** How often those who were sent a signal are looked at, and how long a request may go on before the first look. Milliseconds. */
const LOOK_MS = 100;
/** Callers in another pid namespace cannot be looked at: after so long a signal counts as one that kills. */
const UNSEEN_MS = 5000;
/** SIGKILL's bit in a mask of pending signals. A fatal signal of any number sets it for every thread of the process. */
const SIGKILL_BIT = 1n << 8n;

/**
 * Signals to programs that wait for an answer. A disk does not answer EINTR because of a SIGCHLD, so neither do we: only one that is being killed gets its
 * answer (EINTR) at once, so that nobody is stuck for ever behind a server that says nothing. A wait for a lock is ended by any signal, as fcntl(2) has it.
 */
export class Interrupts {
  private readonly e: Engine;
  private timer: NodeJS.Timeout | undefined;
  private deafTimer: NodeJS.Timeout | undefined;
  /** `uniqueLo` of the requests that already waited at the last look while nothing was read from the kernel. */
  private waited = new Set<number>();
  /** Whether the thread `pid` is being killed; undefined when it cannot be seen. */
  isDying: (pid: number) => boolean | undefined = () => undefined;

  constructor(e: Engine) {
    this.e = e;
  }

  /** FUSE_INTERRUPT: the request (uniqueLo, uniqueHi) was interrupted by a signal. Requests that are answered already are not found. */
  on(uniqueLo: number, uniqueHi: number): void {
    for (const op of this.e.ops) {
      if (!op.active || op.done || op.uniqueLo !== uniqueLo || op.uniqueHi !== uniqueHi) continue;
      if (op.opcode === OP.setlkw) {
        this.give(op);
        return;
      }
      op.interruptedAt = this.e.now;
      this.timer ??= setTimeout(() => this.look(), LOOK_MS);
      return;
    }
  }

  /**
   * Nothing more is read from the kernel just now, neither FUSE_INTERRUPT nor that the mount has gone, for the server does not take what it is sent or all tags
   * wait: those whose requests were taken before are looked at instead, so that they can be killed. Returns 0, the events to watch the device for.
   */
  whileDeaf(): 0 {
    this.deafTimer ??= setTimeout(() => this.lookAtAll(), LOOK_MS);
    return 0;
  }

  private lookAtAll(): void {
    this.deafTimer = undefined;
    const { e } = this;
    if (e.isEnded) return;
    if (e.deviceGone()) return e.end({ kind: 'unmounted' });
    e.now = performance.now();
    const waiting = new Set<number>();
    for (const op of e.ops) {
      if (!op.active || op.done || op.pid === 0) continue;
      waiting.add(op.uniqueLo);
      if (this.waited.has(op.uniqueLo) && this.isDying(op.pid) === true) this.give(op);
    }
    this.waited = waiting;
    // Comes again as long as it is so.
    e.settleTurn();
  }

  stop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.deafTimer);
    this.timer = undefined;
    this.deafTimer = undefined;
  }

  private look(): void {
    this.timer = undefined;
    const { e } = this;
    if (e.isEnded) return;
    e.now = performance.now();
    let more = false;
    for (const op of e.ops) {
      if (!op.active || op.done || op.interruptedAt === 0) continue;
      const dying = op.pid === 0 ? undefined : this.isDying(op.pid);
      if (dying === true || (dying === undefined && e.now - op.interruptedAt > UNSEEN_MS)) this.give(op);
      else more = true;
    }
    if (more) this.timer = setTimeout(() => this.look(), LOOK_MS);
  }

  /** Answers `op` with an error, and tells the server that nobody waits any more. */
  give(op: Op, errno = EINTR): void {
    const { e } = this;
    e.error(op, errno);
    if (op.waiting > 0) e.flushOp(op);
    e.release(op);
  }
}

/** `SigPnd` and `ShdPnd` of /proc/PID/status (proc_pid_status(5)): true when SIGKILL is pending. */
export function killIsPending(status: string): boolean {
  for (const m of status.matchAll(/^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$/gm)) {
    if ((BigInt(`0x${m[1]}`) & SIGKILL_BIT) !== 0n) return true;
  }
  return false;
}
