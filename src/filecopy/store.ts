// SPDX-License-Identifier: MIT

import {
  ECANCELED,
  EEXIST,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOSPC,
  ENOSYS,
  EOPNOTSUPP,
  EPIPE,
} from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { O_CREAT, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_TMPFILE, O_WRONLY, type Sys } from '../base/sys.ts';
import { type Header, LEGAL_EOF } from '../qfile/index.ts';
import type { Input } from './input.ts';

/** Of a large file the disk gets its parts while the rest is still coming. */
const WRITEBACK = 1 << 23;
const RENAME_NOREPLACE = 1;
const SPACE_LOOK_MS = 1000;
/** Of temporary names. */
const TRIES = 1000;

/** A file that is being received, in the folder `parent`. */
export class NewFile {
  readonly parent: number;
  fd = -1;
  /** It has a name, a temporary one. */
  named = false;
  /** It is the kept beginning of a file, opened again. */
  part = false;

  constructor(parent: number) {
    this.parent = parent;
  }
}

export interface StoreOptions {
  readonly sys: Sys;
  /** To the sender: when it does not listen any more, nothing is waited for. */
  readonly writeFd: number;
  /** See `ReceiveOptions`. */
  readonly aliveFd: number;
  readonly rootFd: number;
  readonly modeMask: number;
  readonly keepFree: number;
  readonly spacePatienceMs: number;
}

/** Makes files: without a name where the file system can, else under a temporary one, until they are whole. */
export class Store {
  private readonly sys: Sys;
  private readonly options: StoreOptions;
  private readonly dot: Mem;
  private readonly temporary: Mem;
  private readonly statfs: Mem;
  private readonly watched: Mem;
  private nameless = true;
  private count = 0;
  private own: string | undefined;

  constructor(options: StoreOptions) {
    const { sys } = options;
    this.sys = sys;
    this.options = options;
    this.dot = sys.alloc(2);
    this.dot.cstring('.');
    this.temporary = sys.alloc(64);
    this.statfs = sys.alloc(120);
    // Asked for nothing, poll(2) still tells of the end.
    this.watched = sys.alloc(16);
    this.watched.dv.setInt32(0, options.writeFd, true);
    this.watched.dv.setInt32(8, options.aliveFd, true);
    // Names are given through /proc: without it a nameless file could never get one.
    if (sys.fdPath(options.rootFd, sys.alloc(4096)) < 0) this.nameless = false;
  }

  /** Creates the file, with the mode that it will have. The process's umask must be 0. 0 or a positive errno. */
  create(file: NewFile, mode: number): number {
    const bits = mode & this.options.modeMask;
    if (this.nameless) {
      file.fd = this.sys.openat(file.parent, this.dot, O_TMPFILE | O_WRONLY | O_NOCTTY, bits);
      if (file.fd >= 0) return 0;
      // EISDIR: what kernels and file systems say that do not know the flag.
      if (file.fd !== -EOPNOTSUPP && file.fd !== -ENOENT && file.fd !== -EISDIR) return -file.fd;
      this.nameless = false;
    }
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY;
    file.fd = this.temporarily((name) => this.sys.openat(file.parent, name, flags, bits));
    if (file.fd < 0) return -file.fd;
    file.named = true;
    return 0;
  }

  /** Waits until `bytes` fit and as many as asked for stay free. 0, ENOSPC, or EPIPE or ECANCELED when nobody waits for it any more. */
  waitForSpace(bytes: number): number {
    const { keepFree, spacePatienceMs, rootFd } = this.options;
    if (keepFree === 0) return 0;
    for (let waited = 0; ; waited += SPACE_LOOK_MS) {
      const r = this.sys.statfs(rootFd, this.statfs);
      if (r < 0) return -r;
      // struct statfs: f_bsize @8, f_bavail @32, 64 bits each.
      const { dv } = this.statfs;
      const free = Number(dv.getBigInt64(8, true)) * Number(dv.getBigUint64(32, true));
      if (free >= bytes + keepFree) return 0;
      if (waited >= spacePatienceMs) return ENOSPC;
      const ended = this.sleep();
      if (ended !== 0) return ended;
    }
  }

  private sleep(): number {
    const { sys, watched } = this;
    if (sys.poll(watched, 2, SPACE_LOOK_MS) <= 0) return 0;
    return watched.dv.getInt16(14, true) === 0 ? EPIPE : ECANCELED;
  }

  /** Copies `length` bytes from the stream. 0, LEGAL_EOF when it ends before, or a positive errno. */
  fill(file: NewFile, input: Input, length: number): number {
    const { sys } = this;
    let started = 0;
    for (let done = 0; done < length; ) {
      if (input.have === 0) {
        const r = input.fill();
        if (r === 0) return LEGAL_EOF;
        if (r < 0) return -r;
      }
      const r = sys.write(file.fd, input.mem, input.start, Math.min(length - done, input.have));
      if (r < 0) return -r;
      input.start += r;
      done += r;
      if (done - started >= WRITEBACK) {
        sys.startWriteback(file.fd, started, done - started);
        started = done;
      }
    }
    return 0;
  }

  /** Gives the file its times and then its name; -EEXIST when there is one of that name. 0 or a positive errno. */
  publish(file: NewFile, name: Mem, header: Header, replace: boolean): number {
    const { sys } = this;
    if (file.part) {
      const r = sys.chmodFd(file.fd, header.mode & this.options.modeMask);
      if (r < 0) return -r;
    }
    const timed = sys.utimensFd(file.fd, header.atime, header.atimeNsec, header.mtime, header.mtimeNsec);
    if (timed < 0) return -timed;
    if (replace) return this.replace(file, name);
    if (!file.named) return -sys.linkFd(file.fd, file.parent, name);
    let r = sys.renameat(file.parent, this.temporary, file.parent, name, RENAME_NOREPLACE);
    if (r === 0) file.named = false;
    // A file system that cannot promise it: a hard link does, and the temporary name is taken away by `release`.
    else if (r === -EINVAL || r === -ENOSYS || r === -EOPNOTSUPP) r = sys.linkFd(file.fd, file.parent, name);
    return -r;
  }

  /** A link; in the place of what is there if `replace`. 0 or -errno. */
  link(target: Mem, parent: number, name: Mem, replace: boolean): number {
    const { sys } = this;
    if (!replace) return sys.symlinkat(target, parent, name);
    const r = this.temporarily((other) => sys.symlinkat(target, parent, other));
    return r < 0 ? r : this.moveOver(parent, name);
  }

  /** In one step: whoever looks finds the old file or the new one. */
  private replace(file: NewFile, name: Mem): number {
    if (!file.named) {
      const r = this.temporarily((other) => this.sys.linkFd(file.fd, file.parent, other));
      if (r < 0) return -r;
    }
    file.named = false;
    return 0 - this.moveOver(file.parent, name);
  }

  private moveOver(parent: number, name: Mem): number {
    const { sys } = this;
    const r = sys.renameat(parent, this.temporary, parent, name, 0);
    if (r < 0) sys.unlinkat(parent, this.temporary, 0);
    return r;
  }

  /**
   * Tries names until one is free, which `temporary` is then. One that was killed may have left some behind, and a process id does not tell them apart: in a sandbox all have the same. What is left
   * to chance no sender can take beforehand.
   */
  private temporarily(make: (name: Mem) => number): number {
    this.own ??= Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString('hex');
    let r = -EEXIST;
    for (let i = 0; i < TRIES && r === -EEXIST; i++) {
      this.temporary.cstring(`.ninefold-${this.own}-${this.count++}.part`);
      r = make(this.temporary);
    }
    return r;
  }

  /** Closes the file; what has no final name is gone then. */
  release(file: NewFile): void {
    if (file.named) this.sys.unlinkat(file.parent, this.temporary, 0);
    if (file.fd >= 0) this.sys.close(file.fd);
  }
}
