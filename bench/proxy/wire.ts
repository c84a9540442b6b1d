// SPDX-License-Identifier: MIT

import { errnoName } from '../../src/base/errno.ts';
import type { Mem } from '../../src/base/mem.ts';
import { POLLIN, type Sys } from '../../src/base/sys.ts';
import { recvWithFd } from '../../src/linux/passing.ts';
import { FD_VALID, PROXY_HEADER, PROXY_MAX } from '../../src/proxyfs/constants.ts';
import { BY_TYPE } from '../../src/proxyfs/messages.ts';

/** A helper that says nothing for so long is taken for stuck. */
const PATIENCE_MS = 20_000;

/** QEMU's side, as bare as it can be: one request is sent in one write, then its one reply is waited for, as QEMU does it. */
export class ProxyWire {
  readonly out: Mem;
  private readonly in: Mem;
  private readonly sys: Sys;
  private readonly fd: number;
  private readonly pollfd: Mem;
  private readonly got = { fd: -1 };

  /** `fd`: a connected stream socket, which stays the caller's. */
  constructor(sys: Sys, fd: number) {
    this.sys = sys;
    this.fd = fd;
    this.out = sys.alloc(PROXY_HEADER + PROXY_MAX);
    this.in = sys.alloc(PROXY_HEADER + PROXY_MAX);
    this.pollfd = sys.alloc(8);
    this.pollfd.dv.setInt32(0, fd, true);
    this.pollfd.dv.setUint32(4, POLLIN, true);
  }

  /** Sends a whole request and takes its reply; a descriptor that comes is closed. Throws when the reply is not a success, unless it `mayFail`. */
  call(request: Uint8Array, mayFail = false): void {
    const { sys } = this;
    this.out.u8.set(request);
    const n = sys.write(this.fd, this.out, 0, request.length);
    if (n !== request.length) throw new Error(`cannot write to the helper: ${errnoName(n)}`);
    const type = this.out.dv.getUint32(0, true);
    const { dv } = this.in;
    if (BY_TYPE[type]?.reply === 'descriptor') {
      this.take(4);
      if (this.got.fd >= 0) sys.close(this.got.fd);
      const said = dv.getInt32(0, true);
      if (said !== FD_VALID && !mayFail) throw new Error(`${BY_TYPE[type]?.name}: ${errnoName(said)}`);
      return;
    }
    let have = this.take(PROXY_HEADER);
    const size = PROXY_HEADER + dv.getUint32(4, true);
    while (have < size) have += this.read(have);
    if (dv.getUint32(0, true) !== 0 && !mayFail)
      throw new Error(`${BY_TYPE[type]?.name}: ${errnoName(dv.getInt32(PROXY_HEADER, true))}`);
  }

  private take(least: number): number {
    let have = 0;
    while (have < least) have += this.read(have);
    return have;
  }

  private read(at: number): number {
    // Not just read(): a helper that hangs must end the run, not hang it too. A few interruptions are children that ended.
    let ready = -4;
    for (let tries = 0; ready === -4 && tries < 100; tries++)
      ready = this.sys.poll(this.pollfd, 1, PATIENCE_MS);
    if (ready === 0) throw new Error(`the helper is silent for ${PATIENCE_MS / 1000} s`);
    const n = recvWithFd(this.fd, this.in, at, this.in.size - at, this.got);
    if (n === 0) throw new Error('the helper closed the connection');
    if (n < 0) throw new Error(`cannot read from the helper: ${errnoName(n)}`);
    return n;
  }
}
