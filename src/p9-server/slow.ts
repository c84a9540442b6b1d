// SPDX-License-Identifier: MIT

import type { Mem } from '../base/mem.ts';
import type { Off, Sys } from '../base/sys.ts';
import { RREAD_HEADER } from '../p9/constants.ts';
import { Msg } from '../p9/msg.ts';
import type { Deferred } from './backend.ts';
import type { OpenFile } from './open-file.ts';
import type { Stats } from './stats.ts';

interface SlowRead {
  readonly file: OpenFile;
  readonly offset: Off;
  readonly count: number;
  readonly deferred: Deferred;
}

/**
 * Calls that wait for a disk, on other threads, with the memory that they need held under a limit: further reads wait in line without a buffer, and
 * everything else of the connection goes on.
 */
export class SlowReads {
  private readonly sys: Sys;
  private readonly stats: Stats;
  private readonly maxBytes: number;
  private bytes = 0;
  private readonly waiting: SlowRead[] = [];
  private readonly spare = new Map<number, Mem[]>();
  private readonly reply = new Msg();
  /** Called when a file's last reference was dropped here. */
  onRelease: () => void = () => {};

  constructor(sys: Sys, stats: Stats, maxBytes: number) {
    this.sys = sys;
    this.stats = stats;
    this.maxBytes = maxBytes;
  }

  read(file: OpenFile, offset: Off, count: number, deferred: Deferred): void {
    this.stats.slow++;
    file.refs++;
    const read = { file, offset, count, deferred };
    // One read alone is always begun, whatever its size.
    if (this.bytes > 0 && this.bytes + count > this.maxBytes) this.waiting.push(read);
    else this.begin(read);
  }

  private begin({ file, offset, count, deferred }: SlowRead): void {
    const mem = this.take(count);
    this.sys.slow.pread(file.fd, mem, 0, count, offset, (n) => {
      deferred.reply(count + RREAD_HEADER, (w) => {
        if (n < 0) return n;
        const { data } = this.reply;
        data.set(mem.u8, 0, n);
        w.data(data);
        return 0;
      });
      this.give(mem);
      this.releaseFile(file);
      this.next();
    });
  }

  private next(): void {
    for (;;) {
      const read = this.waiting[0];
      if (read === undefined || (this.bytes > 0 && this.bytes + read.count > this.maxBytes)) return;
      this.waiting.shift();
      if (!read.deferred.cancelled) this.begin(read);
      else {
        this.releaseFile(read.file);
        read.deferred.reply(0, () => 0);
      }
    }
  }

  /** Puts on the disk what was written: for Tfsync, or after a write of so many bytes to a file opened O_SYNC or O_DSYNC. */
  sync(file: OpenFile, dataOnly: boolean, deferred: Deferred, written?: number): void {
    this.stats.slow++;
    file.refs++;
    const done = (r: number): void => {
      this.releaseFile(file);
      deferred.reply(64, (w) => {
        if (r < 0) return r;
        if (written !== undefined) w.u32(written);
        return 0;
      });
    };
    if (dataOnly) this.sys.slow.fdatasync(file.fd, done);
    else this.sys.slow.fsync(file.fd, done);
  }

  private releaseFile(file: OpenFile): void {
    if (file.release(this.sys)) this.onRelease();
  }

  /** A block of at least `size` bytes, a power of two, kept for the next. */
  private take(size: number): Mem {
    let block = 4096;
    while (block < size) block *= 2;
    this.bytes += block;
    return this.spare.get(block)?.pop() ?? this.sys.alloc(block);
  }

  private give(mem: Mem): void {
    this.bytes -= mem.size;
    const list = this.spare.get(mem.size);
    if (list === undefined) this.spare.set(mem.size, [mem]);
    else if (list.length < 8) list.push(mem);
  }
}
