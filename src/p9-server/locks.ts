// SPDX-License-Identifier: MIT

import type { Span } from '../base/mem.ts';
import { StatBuf } from '../base/stat.ts';
import { F_UNLCK, type LockInfo, O_RDONLY, O_RDWR, O_WRONLY, type Off, type Sys } from '../base/sys.ts';
import type { Fid } from './fid.ts';
import type { OpenFile } from './open-file.ts';
import type { DescriptorPool } from './pool.ts';

/** One owner's locks on one file: an open file description of its own, to which the kernel ties them. */
interface Holder {
  readonly key: string;
  readonly fd: number;
  readonly writable: boolean;
  /** Fids of the file through which this owner locked; the locks go with the last of them, as with the last close of a file. */
  readonly fids: Set<Fid>;
}

/**
 * Byte-range locks as open-file-description locks (fcntl(2), F_OFD_SETLK): real ones, which local programs and other connections respect.
 *
 * A lock belongs to (file, client_id, proc_id), whatever fid it came by; an open file description of its own for each such owner gives just that: two owners conflict, one
 * owner's locks over two fids merge.
 */
export class LockTable {
  private readonly sys: Sys;
  private readonly pool: DescriptorPool;
  private readonly readOnly: boolean;
  private readonly stat: StatBuf;
  private readonly holders = new Map<string, Holder>();
  private readonly byFid = new Map<Fid, Set<Holder>>();

  /** `readOnly`: nothing of the share is opened for writing. */
  constructor(sys: Sys, pool: DescriptorPool, readOnly: boolean) {
    this.sys = sys;
    this.pool = pool;
    this.readOnly = readOnly;
    this.stat = new StatBuf(sys.alloc(256));
  }

  /** 0, -EAGAIN when another's lock is in the way, or another errno. */
  set(fid: Fid, file: OpenFile, procId: number, clientId: Span, type: number, start: Off, len: Off): number {
    const key = this.keyOf(file, procId, clientId);
    let holder = this.holders.get(key);
    if (type === F_UNLCK && holder === undefined) return 0;
    if (holder === undefined || (!holder.writable && holder.fids.size === 0)) {
      const made = this.hold(key, file);
      if (typeof made === 'number') return made;
      holder = made;
    }
    const r = this.sys.ofdSetLock(holder.fd, type, start, len);
    if (r < 0) {
      if (holder.fids.size === 0) this.drop(holder);
      return r;
    }
    if (type === F_UNLCK) {
      if (start === 0 && len === 0) this.drop(holder);
      return 0;
    }
    holder.fids.add(fid);
    const mine = this.byFid.get(fid);
    if (mine === undefined) this.byFid.set(fid, new Set([holder]));
    else mine.add(holder);
    return 0;
  }

  /** Fills `out` with the lock in the way of `type`, `out.type` F_UNLCK when there is none. */
  get(
    fid: Fid,
    file: OpenFile,
    procId: number,
    clientId: Span,
    type: number,
    start: Off,
    len: Off,
    out: LockInfo,
  ): number {
    const holder = this.holders.get(this.keyOf(file, procId, clientId));
    if (holder !== undefined) return this.sys.ofdGetLock(holder.fd, type, start, len, out);
    // Any description but an owner's sees every lock; a fid's own never holds one.
    return this.sys.ofdGetLock(fid.open?.fd ?? -1, type, start, len, out);
  }

  /** The fid was clunked: its owners' locks go when no other fid of the file carries them. */
  fidClosed(fid: Fid): void {
    const mine = this.byFid.get(fid);
    if (mine === undefined) return;
    this.byFid.delete(fid);
    for (const holder of mine) {
      holder.fids.delete(fid);
      if (holder.fids.size === 0) this.drop(holder);
    }
  }

  private drop(holder: Holder): void {
    for (const fid of holder.fids) {
      const mine = this.byFid.get(fid);
      mine?.delete(holder);
      if (mine?.size === 0) this.byFid.delete(fid);
    }
    this.holders.delete(holder.key);
    this.sys.close(holder.fd);
    this.pool.count(-1);
  }

  private keyOf(file: OpenFile, procId: number, clientId: Span): string {
    this.sys.stat(file.fd, this.stat);
    const s = this.stat;
    return `${s.devMajor}:${s.devMinor}:${s.inoHi}:${s.inoLo}:${procId}:${Buffer.from(clientId.copy()).toString('latin1')}`;
  }

  /** A description for a new owner. The object is reopened from the fid's own open file, so that it is that file, unlinked or renamed. */
  private hold(key: string, file: OpenFile): Holder | number {
    const room = this.pool.room();
    if (room < 0) return room;
    // Both kinds of lock need both kinds of access; where the file gives one only, that one. Of a file that this fid only reads as well, if it may be written: the owner may lock through
    // another fid later, and its locks are not to be had twice.
    let writable = true;
    let fd = file.canWrite || (this.stat.isFile && !this.readOnly) ? this.sys.reopen(file.fd, O_RDWR) : -1;
    if (fd < 0) {
      writable = file.canWrite;
      fd = this.sys.reopen(file.fd, file.canRead ? O_RDONLY : O_WRONLY);
    }
    if (fd < 0) return fd;
    this.pool.count(1);
    const holder = { key, fd, writable, fids: new Set<Fid>() };
    this.holders.set(key, holder);
    return holder;
  }
}
