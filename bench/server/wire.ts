// SPDX-License-Identifier: MIT

import { EINTR, errnoName } from '../../src/base/errno.ts';
import type { Mem } from '../../src/base/mem.ts';
import { POLLIN, type Sys } from '../../src/base/sys.ts';
import { HEADER } from '../../src/p9/constants.ts';
import { RLERROR } from '../../src/p9/messages.ts';

/** The msize of all measurements. */
export const MSIZE = 65536;
/** A server that says nothing for so long is taken for stuck. */
const PATIENCE_MS = 20_000;

/** The server's Rlerror. */
export class Refused extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super(`the server answers ${errnoName(errno)}`);
    this.errno = errno;
  }
}

/**
 * One 9P connection, as bare as it can be: requests are written into `out` in place, replies are looked at in `in`. It blocks the thread;
 * its own cost is not counted, but it runs on the server's CPU, so that it had better not trash the caches.
 */
export class Wire {
  readonly out: Mem;
  readonly in: Mem;
  /** The reply at hand: where it starts in `in`, its size, type and tag. */
  at = 0;
  size = 0;
  type = 0;
  tag = 0;
  private end = 0;
  private readonly sys: Sys;
  private readonly fd: number;
  private readonly pollfd: Mem;

  /** `fd`: a connected stream socket, which stays the caller's. */
  constructor(sys: Sys, fd: number) {
    this.sys = sys;
    this.fd = fd;
    this.out = sys.alloc(MSIZE + 4096);
    this.in = sys.alloc(4 * MSIZE);
    this.pollfd = sys.alloc(8);
    this.pollfd.dv.setInt32(0, fd, true);
    this.pollfd.dv.setUint32(4, POLLIN, true);
  }

  /** Sends the first `len` bytes of `out`. */
  send(len: number): void {
    for (let off = 0; off < len; ) {
      const n = this.sys.write(this.fd, this.out, off, len - off);
      if (n < 0) throw new Error(`cannot write to the server: ${errnoName(n)}`);
      off += n;
    }
  }

  /** Whether a whole reply is there already, without waiting. */
  get waiting(): boolean {
    const left = this.end - this.at - this.size;
    return left >= HEADER && left >= this.in.dv.getUint32(this.at + this.size, true);
  }

  /** Takes the next reply, waiting for it when it must. Throws `Refused` for an Rlerror and Error for any type but `type`. */
  next(type: number): void {
    this.at += this.size;
    this.size = 0;
    const { dv, u8 } = this.in;
    while (this.end - this.at < HEADER || this.end - this.at < dv.getUint32(this.at, true)) this.fill();
    const at = this.at;
    this.size = dv.getUint32(at, true);
    this.type = u8[at + 4] as number;
    this.tag = dv.getUint16(at + 5, true);
    if (this.type === type) return;
    if (this.type === RLERROR) throw new Refused(dv.getUint32(at + HEADER, true));
    throw new Error(`the server answers message type ${this.type} where ${type} was due`);
  }

  /** Sends the request at the start of `out` and takes its reply. */
  call(len: number): void {
    const type = (this.out.u8[4] as number) + 1;
    this.send(len);
    this.next(type);
  }

  private fill(): void {
    if (this.at > 0 && this.in.size - this.end < MSIZE) {
      this.in.u8.copyWithin(0, this.at, this.end);
      this.end -= this.at;
      this.at = 0;
    }
    // Not just read(): a server that hangs must end the run, not hang it too. A few interruptions are children that ended.
    let ready = -EINTR;
    for (let tries = 0; ready === -EINTR && tries < 100; tries++)
      ready = this.sys.poll(this.pollfd, 1, PATIENCE_MS);
    if (ready === 0) throw new Error(`the server is silent for ${PATIENCE_MS / 1000} s`);
    const n = this.sys.read(this.fd, this.in, this.end, this.in.size - this.end);
    if (n === 0) throw new Error('the server closed the connection');
    if (n < 0) throw new Error(`cannot read from the server: ${errnoName(n)}`);
    this.end += n;
  }
}
