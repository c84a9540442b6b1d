// SPDX-License-Identifier: MIT

import { EAGAIN, EBUSY, EEXIST, EMFILE, ENOENT, EOPNOTSUPP } from '../base/errno.ts';
import { type Mem, Span } from '../base/mem.ts';
import {
  IN_ATTRIB,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_IGNORED,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_ONLYDIR,
  IN_Q_OVERFLOW,
  IN_UNMOUNT,
  POLLIN,
  type Sys,
} from '../base/sys.ts';
import type { Turns, Watch } from '../base/turns.ts';
import type { Writer } from '../p9/coder.ts';
import { ALL_WATCHES, CHANGE_ENTRY, CHANGE_LOST, CHANGE_OBJECT, CHANGE_SELF } from '../p9/constants.ts';
import { DEFERRED, type Deferred, REPLIED, type Wire } from './backend.ts';

const ENTRY = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
const OBJECT = IN_MODIFY | IN_ATTRIB;
const ENDED = IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF;
const WATCHED = ENTRY | OBJECT | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
/** struct inotify_event: wd@0 mask@4 cookie@8 len@12 name@16. */
const EVENT_HEAD = 16;
const INPUT = 64 * 1024;
/** Records that wait for a Tchanges; past this, what changed is not told one by one any more. */
const PENDING = 32 * 1024;
/** The largest Rchanges, where msize allows it. */
export const CHANGES_REPLY = PENDING + 64;
/** size[4] type[1] tag[2] count[4], before the records. */
const REPLY_HEAD = 11;
/** id[4] what[1] name[s] */
const RECORD_HEAD = 7;
const NAME_MAX = 255;

/**
 * f_type of file systems whose every change passes through this kernel (include/uapi/linux/magic.h, and each one's own source): ext2-4, XFS, btrfs, tmpfs, ramfs,
 * overlayfs, F2FS, bcachefs, ZFS, exFAT, FAT, NTFS3, EROFS, squashfs, ISO 9660. On others (NFS, SMB, FUSE, 9p …) someone elsewhere may change files and inotify says nothing.
 */
const TELLING: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x858458f6, 0x794c7630, 0xf2f52010, 0xca451a4e, 0x2fc12fc1,
  0x2011bab0, 0x4d44, 0x7366746e, 0xe0f5e1e2, 0x73717368, 0x9660,
]);

/** Whether what `fd` lies on is changed through this kernel alone: a disk of this machine, or memory. `scratch`: 120 bytes. */
export function changesHere(sys: Sys, fd: number, scratch: Mem): boolean {
  return sys.statfs(fd, scratch) >= 0 && TELLING.has(scratch.dv.getUint32(0, true));
}

/**
 * The folders that a client wants to hear of, and what is to be told. The kernel queues an event before the change returns to whoever made it, and events are taken in
 * before the requests of the same turn: so a client learns of a change before it gets any answer that was made after it.
 */
export class Watches {
  private readonly sys: Sys;
  private readonly turns: Turns;
  private readonly max: number;
  private watch: Watch | undefined;
  private input: Mem | undefined;
  /** The kernel's number of a watch and the client's. */
  private readonly idOf = new Map<number, number>();
  private readonly wdOf = new Map<number, number>();
  private readonly pending = new Uint8Array(PENDING);
  private readonly dv = new DataView(this.pending.buffer);
  private end = 0;
  private last = 0;
  private readonly told = new Span();
  private asker: Deferred | undefined;
  /** Bytes of records in one reply: whole ones only. */
  private most = PENDING;

  /** `max`: folders at one time. */
  constructor(sys: Sys, turns: Turns, max: number) {
    this.sys = sys;
    this.turns = turns;
    this.max = max;
  }

  /** Something may be told that is not known here yet. */
  get hears(): boolean {
    return this.watch !== undefined;
  }

  /** Watches the folder behind `fd` as `id`. 0, or -errno: -EOPNOTSUPP where its changes cannot be seen, -EMFILE past a limit. */
  add(id: number, fd: number, scratch: Mem): number {
    if (id === ALL_WATCHES || this.wdOf.has(id)) return -EEXIST;
    if (this.wdOf.size >= this.max) return -EMFILE;
    if (!changesHere(this.sys, fd, scratch)) return -EOPNOTSUPP;
    const watch = this.open();
    if (typeof watch === 'number') return watch;
    const wd = this.sys.watchAdd(watch.fd, fd, WATCHED);
    if (wd < 0) return wd;
    const former = this.idOf.get(wd);
    // The kernel has one watch for one folder: whoever asked last hears of it.
    if (former !== undefined) {
      this.wdOf.delete(former);
      this.tell(former, CHANGE_LOST);
    }
    this.idOf.set(wd, id);
    this.wdOf.set(id, wd);
    return 0;
  }

  /** -ENOENT: there is none (any more). */
  remove(id: number): number {
    const wd = this.wdOf.get(id);
    if (wd === undefined || this.watch === undefined) return -ENOENT;
    this.wdOf.delete(id);
    this.idOf.delete(wd);
    this.sys.watchRemove(this.watch.fd, wd);
    return 0;
  }

  /** Someone asks for changes: told at once, or when there are some, as many as `msize` holds. One at a time: a second gets -EBUSY. */
  ask(w: Writer, wire: Wire, msize: number): number {
    this.most = Math.min(PENDING, msize - REPLY_HEAD);
    if (this.asker !== undefined && !this.asker.cancelled) return -EBUSY;
    this.asker = undefined;
    if (this.end === 0) {
      this.asker = wire.defer();
      return DEFERRED;
    }
    this.write(w);
    return REPLIED;
  }

  close(): void {
    if (this.watch !== undefined) {
      this.turns.remove(this.watch);
      this.sys.close(this.watch.fd);
    }
    this.watch = undefined;
    this.asker = undefined;
    this.idOf.clear();
    this.wdOf.clear();
    this.end = 0;
  }

  private open(): Watch | number {
    if (this.watch !== undefined) return this.watch;
    const fd = this.sys.watchOpen();
    if (fd < 0) return fd;
    this.input ??= this.sys.alloc(INPUT);
    this.watch = { fd, events: POLLIN, turn: () => this.onEvents() };
    this.turns.addFirst(this.watch);
    return this.watch;
  }

  private onEvents(): void {
    const { watch, input, sys } = this;
    if (watch === undefined || input === undefined) return;
    const n = sys.read(watch.fd, input, 0, INPUT);
    if (n === -EAGAIN) return;
    // Without its events a watch is worth nothing.
    if (n < 0) this.loseAll();
    const { dv } = input;
    for (let at = 0; at + EVENT_HEAD <= n; ) {
      const len = dv.getUint32(at + 12, true);
      this.onEvent(dv.getInt32(at, true), dv.getUint32(at + 4, true), input.u8, at + EVENT_HEAD, len);
      at += EVENT_HEAD + len;
    }
    this.answer();
  }

  private onEvent(wd: number, mask: number, u8: Uint8Array, at: number, len: number): void {
    if ((mask & IN_Q_OVERFLOW) !== 0) return this.loseAll();
    const id = this.idOf.get(wd);
    if (id === undefined) return;
    if ((mask & ENDED) !== 0) {
      this.remove(id);
      return this.tell(id, CHANGE_LOST);
    }
    if (len === 0) return this.tell(id, CHANGE_SELF);
    let end = at;
    while (end < at + len && u8[end] !== 0) end++;
    this.tell(id, (mask & ENTRY) !== 0 ? CHANGE_ENTRY : CHANGE_OBJECT, u8, at, end - at);
  }

  private loseAll(): void {
    const { watch } = this;
    for (const wd of this.idOf.keys()) if (watch !== undefined) this.sys.watchRemove(watch.fd, wd);
    this.idOf.clear();
    this.wdOf.clear();
    this.end = 0;
    this.last = 0;
    this.tell(ALL_WATCHES, CHANGE_LOST);
  }

  private tell(id: number, what: number, u8?: Uint8Array, at = 0, len = 0): void {
    const { dv, pending } = this;
    if (this.end + RECORD_HEAD + NAME_MAX > PENDING) return this.loseAll();
    const start = this.end;
    dv.setUint32(start, id, true);
    dv.setUint8(start + 4, what);
    dv.setUint16(start + 5, len, true);
    for (let i = 0; i < len; i++) pending[start + RECORD_HEAD + i] = u8?.[at + i] ?? 0;
    this.end = start + RECORD_HEAD + len;
    // A file that is written to piece by piece is told of once.
    if (start > 0 && this.repeats(start)) this.end = start;
    else this.last = start;
  }

  /** Whether the record at `start`, the newest, says what the one before it says. */
  private repeats(start: number): boolean {
    const { pending, last } = this;
    if (start - last !== this.end - start) return false;
    for (let i = 0; i < start - last; i++) if (pending[last + i] !== pending[start + i]) return false;
    return true;
  }

  private answer(): void {
    const { asker } = this;
    if (asker === undefined || this.end === 0) return;
    this.asker = undefined;
    asker.reply(CHANGES_REPLY, (w) => {
      this.write(w);
      return 0;
    });
  }

  private write(w: Writer): void {
    const { pending, dv } = this;
    let some = this.end;
    if (some > this.most) {
      some = 0;
      for (let next = 0; next <= this.most; next += RECORD_HEAD + dv.getUint16(next + 5, true)) some = next;
    }
    this.told.set(pending, 0, some);
    w.data(this.told);
    // The rest waits for the next Tchanges.
    pending.copyWithin(0, some, this.end);
    this.end -= some;
    this.last = 0;
  }
}
