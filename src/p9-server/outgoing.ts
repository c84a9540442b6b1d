// SPDX-License-Identifier: MIT

import { EAGAIN, EINVAL, ENOSYS } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { StreamFd } from '../base/stream-fd.ts';
import type { Off, Sys } from '../base/sys.ts';
import { Writer } from '../p9/coder.ts';

/** Bytes that are put where a file's own cannot be had any more. */
const PATCH = 64 * 1024;

/** Bytes of a file that a reply ends with: they go from the kernel's page cache to the peer, and never pass through here. */
export interface FileRun {
  /** Stays open until `ended`. */
  readonly fd: number;
  readonly offset: Off;
  readonly count: number;
  /** Called once: the bytes are gone, or will not be wanted. */
  ended(): void;
}

/**
 * Replies on their way to the peer: a buffer that they are written into, and at one place behind them, at the most, a run of a file's bytes.
 *
 * Two copies less for large reads: those of pread(2) into a buffer and send(2) out of it were three tenths of what both sides did (`perf record`). How long the run is was said in the reply's header before
 * the first of its bytes is sent, so what the file has lost meanwhile is made up with zeros, as a reader of a local file may see them whose end is cut off under it.
 */
export class Outgoing {
  mem: Mem;
  writer: Writer;
  private pos = 0;
  private run: FileRun | undefined;
  /** Where in `mem` the run belongs. */
  private runAt = 0;
  private runDone = 0;
  private patch: Mem | undefined;
  private readonly sys: Sys;
  private readonly to: StreamFd;

  constructor(sys: Sys, fd: number, size: number) {
    this.sys = sys;
    this.to = new StreamFd(sys, fd);
    this.mem = sys.alloc(size);
    this.writer = new Writer(this.mem.u8);
  }

  /** Bytes that the peer has not taken yet. */
  get pending(): number {
    const { run } = this;
    return this.writer.pos - this.pos + (run === undefined ? 0 : run.count - this.runDone);
  }

  /** Nothing more may be answered before the run is gone: there is one at a time. */
  get runPending(): boolean {
    return this.run !== undefined;
  }

  /** Bytes of the run that belongs behind what is written so far: the reply that is being written has them. */
  get runBehind(): number {
    return this.run !== undefined && this.runAt === this.writer.pos ? this.run.count : 0;
  }

  /** Puts a run behind what is written. */
  endWith(run: FileRun): void {
    this.run = run;
    this.runAt = this.writer.pos;
    this.runDone = 0;
  }

  /** The run will not be sent. */
  drop(): void {
    const { run } = this;
    this.run = undefined;
    run?.ended();
  }

  /** Sends what is waiting: the bytes that went at one call, 0 when nothing is left, -EAGAIN when the peer takes no more just now, or another -errno. */
  send(): number {
    const { run } = this;
    const bytes = (run === undefined ? this.writer.pos : this.runAt) - this.pos;
    if (bytes > 0) {
      const n = this.to.write(this.mem, this.pos, bytes);
      if (n > 0) this.pos += n;
      return n;
    }
    if (run !== undefined) {
      const n = this.sendRun(run);
      if (n > 0) this.runDone += n;
      if (this.runDone === run.count) this.drop();
      return n;
    }
    this.pos = 0;
    this.writer.pos = 0;
    return 0;
  }

  private sendRun(run: FileRun): number {
    const { sys } = this;
    const left = run.count - this.runDone;
    const at = typeof run.offset === 'number' ? run.offset + this.runDone : run.offset + BigInt(this.runDone);
    const n = sys.sendfile(this.to.fd, run.fd, at, left);
    if (n > 0 || (n < 0 && n !== -EINVAL && n !== -ENOSYS)) return n;
    // The file ends before; or its file system has no way past a buffer.
    this.patch ??= sys.alloc(PATCH);
    const { patch } = this;
    const len = Math.min(left, PATCH);
    const got = n === 0 ? 0 : sys.pread(run.fd, patch, 0, len, at);
    if (got < 0) return got === -EAGAIN ? -EINVAL : got;
    patch.u8.fill(0, got, len);
    return this.to.write(patch, 0, len);
  }

  /** A buffer of another size; what is not sent yet comes along. */
  resize(size: number): void {
    const waiting = this.writer.pos - this.pos;
    const mem = this.sys.alloc(size);
    mem.u8.set(this.mem.u8.subarray(this.pos, this.writer.pos));
    this.mem = mem;
    this.runAt -= this.pos;
    this.pos = 0;
    this.writer = new Writer(mem.u8);
    this.writer.pos = waiting;
  }
}
