// SPDX-License-Identifier: MIT

import { opName } from '../fuse-abi/index.ts';

/** Counters of one mount, since it began. */
export class MountStats {
  /** Kernel requests by opcode. */
  readonly byOpcode = new Float64Array(64);
  /** 9P messages sent. */
  messages = 0;
  /** Folders whose names the kernel was given at once. */
  filled = 0;
  /** Requests answered with an error; "no such file" is one. */
  errors = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Bytes that programs read from and wrote to the server. */
  readBytes = 0;
  writtenBytes = 0;
  /** Objects whose fid had been given up, found again by name and identity. */
  foundAgain = 0;

  /** Lookups that needed no word from the server. */
  fromCache = 0;

  /** Changes by others that the server told of. */
  changesTold = 0;
  /** Files opened before a program asked, and how many of them one then did open. */
  aheadTried = 0;
  aheadUsed = 0;
  /** Of those, open now. */
  aheadOpen = 0;

  count(opcode: number): void {
    const i = opcode & 63;
    this.byOpcode[i] = (this.byOpcode[i] as number) + 1;
  }

  /** Requests of the kernel, all kinds. */
  get operations(): number {
    return this.byOpcode.reduce((sum, n) => sum + n, 0);
  }

  /** For `--stats` and `list --json`. */
  toJSON(): Record<string, unknown> {
    const operations: Record<string, number> = {};
    this.byOpcode.forEach((n, opcode) => {
      if (n > 0) operations[opName(opcode)] = n;
    });
    const { byOpcode, count, ...counters } = this;
    return { operations, ...counters };
  }
}
