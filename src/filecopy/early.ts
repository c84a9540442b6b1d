// SPDX-License-Identifier: MIT

import type { Mem } from '../base/mem.ts';
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, type Sys } from '../base/sys.ts';

/** Files, and bytes, that are worth it. The gaps grow by a sixteenth of what has come, so that a long transfer does it some hundred times, not thousands. */
const FILES = 4096;
const BYTES = 1 << 26;
const GROWTH = 16;

/**
 * Has the file system write what has come while more is coming: of 20,000 small files a fifth of the time would pass after the last of them, in the
 * one `syncfs` at the end, with the other processors idle. Promises nothing; the `syncfs` at the end does. Whoever made it calls `close`.
 */
export class EarlySync {
  private readonly sys: Sys;
  private readonly rootFd: number;
  private readonly dot: Mem;
  private fd = -1;
  private files = FILES;
  private bytes = BYTES;

  constructor(sys: Sys, rootFd: number) {
    this.sys = sys;
    this.rootFd = rootFd;
    this.dot = sys.alloc(2);
    this.dot.cstring('.');
  }

  /** Of the whole transfer, what has come so far. */
  look(files: number, bytes: number): void {
    if (files < this.files && bytes < this.bytes) return;
    this.files = files + Math.max(FILES, files / GROWTH);
    this.bytes = bytes + Math.max(BYTES, bytes / GROWTH);
    // A description of its own: an error is told once to each, and the end of the transfer must hear of it.
    if (this.fd < 0) this.fd = this.sys.openat(this.rootFd, this.dot, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (this.fd >= 0) this.sys.startSyncfs(this.fd);
  }

  close(): void {
    if (this.fd >= 0) this.sys.close(this.fd);
    this.fd = -1;
  }
}
