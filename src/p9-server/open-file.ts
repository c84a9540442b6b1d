// SPDX-License-Identifier: MIT

import type { Sys } from '../base/sys.ts';

/** What a write waits for: nothing, its data on the disk (O_DSYNC), or all that is known of the file (O_SYNC). */
export type Durability = 'none' | 'data' | 'all';

/** An open file description of the share, held by a fid, by slow calls that are under way, or by a node that has nothing else. */
export class OpenFile {
  readonly fd: number;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  readonly isDir: boolean;
  /** What the client asked of its writes: the description itself has neither O_SYNC nor O_DSYNC. */
  readonly sync: Durability;
  refs = 1;
  /** preadv2(RWF_NOWAIT) tells something here; cleared when the file system says it cannot. */
  nowait = true;
  /** Of a file system that cannot tell: whether it keeps its data in memory, and so never waits. */
  inMemory = false;
  /** The kernel does not say which of its pages are in memory (cachestat(2): before 6.5, or to one who may not write the file). */
  hidesPages = false;
  /** For folders: the cookie after the last entry handed out, in halves; a Treaddir that goes on there needs no seek. */
  cookieLo = 0;
  cookieHi = 0;
  /** For folders: nothing was read or sought yet. */
  untouched = true;
  /** For folders: the file system, as QidPaths counts it; -1 = not asked yet. */
  dev = -1;
  /** The file system, by its device number; -1 = not asked yet. */
  device = -1;

  constructor(fd: number, how: { canRead: boolean; canWrite: boolean; isDir: boolean; sync: Durability }) {
    this.fd = fd;
    this.canRead = how.canRead;
    this.canWrite = how.canWrite;
    this.isDir = how.isDir;
    this.sync = how.sync;
  }

  /** Closes the descriptor with the last reference. True if it did. */
  release(sys: Sys): boolean {
    if (--this.refs > 0) return false;
    sys.close(this.fd);
    return true;
  }
}
