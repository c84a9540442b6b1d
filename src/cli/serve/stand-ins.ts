// SPDX-License-Identifier: MIT

import { statSync } from 'node:fs';
import type { Mem } from '../../base/mem.ts';
import { S_IFREG, StatBuf } from '../../base/stat.ts';
import { AT_FDCWD, O_CLOEXEC, O_RDONLY, O_WRONLY, type Sys } from '../../base/sys.ts';
import { cstring } from '../../linux/memory.ts';
import { Qid } from '../../p9/msg.ts';
import { ROOT_FID } from '../../p9-client/index.ts';
import { Fid, type Folder, Node, OpenFile, qidOf } from '../../p9-server/index.ts';

/** Fids of the files that a rehearsal reads and writes. */
export const STAND_INS = { read: ROOT_FID + 2, write: ROOT_FID + 3 } as const;

/** struct statx: stx_mode, the seconds of stx_ctime and its nanoseconds (include/uapi/linux/stat.h). */
const MODE = 28;
const CTIME = 96;
const CTIME_NSEC = 104;

/** Open files outside of the share, so that reading and writing can be rehearsed and nothing of the share is touched: the program that runs here, a real file and in memory; and /dev/null. */
export class StandIns {
  readonly #sys: Sys;
  readonly #backend: Folder;
  readonly #program: Mem;
  readonly #nowhere = cstring('/dev/null');
  /** Bytes of the file that is read. */
  readonly size = statSync(process.execPath).size;

  /** The stat of a file that was changed just now. */
  readonly #changed: StatBuf;
  readonly #qid = new Qid();

  constructor(sys: Sys, backend: Folder) {
    this.#sys = sys;
    this.#backend = backend;
    this.#program = cstring(process.execPath);
    this.#changed = new StatBuf(sys.alloc(256));
    this.#changed.mem.dv.setUint16(MODE, S_IFREG, true);
  }

  /** Tells the qid of a file that was changed just now, which is worked out otherwise than those of the files that lie in the share. */
  change(): void {
    const now = Date.now();
    const { dv } = this.#changed.mem;
    dv.setUint32(CTIME, now / 1000, true);
    // Not a whole number of milliseconds, as of real ones.
    dv.setUint32(CTIME_NSEC, (now % 1000) * 1e6 + 500_000, true);
    qidOf(this.#changed, this.#backend.paths, this.#qid);
  }

  /**
   * Opens them, as the fids of `STAND_INS`, for the user of the fid `root`; the clunks of the fids close them, or `backend.reset`. False, and none are there, where one of them cannot be opened (a sandbox without it), or there is no
   * such fid.
   */
  open(root: number): boolean {
    const at = this.#backend.fids.get(root);
    const read = this.#sys.openat(AT_FDCWD, this.#program, O_RDONLY | O_CLOEXEC, 0);
    const write = this.#sys.openat(AT_FDCWD, this.#nowhere, O_WRONLY | O_CLOEXEC, 0);
    if (at === undefined || read < 0 || write < 0) {
      if (read >= 0) this.#sys.close(read);
      if (write >= 0) this.#sys.close(write);
      return false;
    }
    this.#put(STAND_INS.read, at, read, false);
    this.#put(STAND_INS.write, at, write, true);
    return true;
  }

  /** As Tlcreate leaves them: the node has nothing else than the open file. */
  #put(fid: number, like: Fid, fd: number, canWrite: boolean): void {
    const file = new OpenFile(fd, { canRead: !canWrite, canWrite, isDir: false, sync: 'none' });
    const node = new Node(S_IFREG);
    node.file = file;
    file.refs++;
    const made = new Fid(node, like.user, like.attach);
    made.open = file;
    this.#backend.pool.count(1);
    this.#backend.fids.set(fid, made);
  }
}
