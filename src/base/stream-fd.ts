// SPDX-License-Identifier: MIT

import { ENOTSOCK } from './errno.ts';
import type { Mem } from './mem.ts';
import type { Sys } from './sys.ts';

/**
 * One end of a byte stream that does not block: a socket by recv(2) and send(2), a pipe by read(2) and write(2). Both work on a socket, but the latter go
 * through layers of the kernel that it has no use for: 100 bytes sent and received take 1.7 µs by them and 1.55 µs by the former.
 * Which of the two it is shows at the first call. The descriptor stays the caller's to close.
 */
export class StreamFd {
  readonly fd: number;
  private readonly sys: Sys;
  private isSocket = true;

  constructor(sys: Sys, fd: number) {
    this.sys = sys;
    this.fd = fd;
  }

  /** Bytes that have come, 0 at the end, -EAGAIN when there are none now, or another -errno. */
  read(mem: Mem, off: number, len: number): number {
    if (this.isSocket) {
      const n = this.sys.recv(this.fd, mem, off, len);
      if (n !== -ENOTSOCK) return n;
      this.isSocket = false;
    }
    return this.sys.read(this.fd, mem, off, len);
  }

  /** Bytes that were taken, or -errno; of a socket without SIGPIPE. */
  write(mem: Mem, off: number, len: number): number {
    if (this.isSocket) {
      const n = this.sys.send(this.fd, mem, off, len);
      if (n !== -ENOTSOCK) return n;
      this.isSocket = false;
    }
    return this.sys.write(this.fd, mem, off, len);
  }

  /** writev(2) of two runs. */
  write2(memA: Mem, offA: number, lenA: number, memB: Mem, offB: number, lenB: number): number {
    return this.sys.write2(this.fd, memA, offA, lenA, memB, offB, lenB);
  }
}
