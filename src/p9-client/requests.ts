// SPDX-License-Identifier: MIT

import type { Mem } from '../base/mem.ts';
import { NOFID, NONUNAME, NOTAG } from '../p9/constants.ts';
import { T } from '../p9/messages.ts';
import { EXT } from './extension.ts';

const TWO32 = 4294967296;

/** Room that any one request but Twrite fits in: the longest is Tsymlink with a target of 4,095 bytes, or Twalk of 16 names. */
export const REQUEST_MAX = 8192;

/**
 * Writes requests one behind the other into a block of memory that is sent with one system call. Written out by hand where p9/ has a table, because here
 * every field comes from a different place and the table would want them all put into a `Msg` first; a test compares each with the table's encoding.
 *
 * Names are latin1 strings: one character for each byte, whatever the bytes mean. A 64-bit value is either a number below 2^53 or two halves.
 * The caller keeps REQUEST_MAX bytes of room (`room`).
 */
export class Requests {
  readonly mem: Mem;
  private readonly dv: DataView;
  private readonly buf: Buffer;
  /** Where the next request begins; everything before it waits to be sent. */
  end = 0;
  private start = 0;

  constructor(mem: Mem) {
    this.mem = mem;
    this.dv = mem.dv;
    this.buf = Buffer.from(mem.u8.buffer, mem.u8.byteOffset, mem.u8.byteLength);
  }

  /** Bytes that still fit. */
  get room(): number {
    return this.mem.size - this.end;
  }

  private begin(type: number, tag: number): void {
    this.start = this.end;
    this.dv.setUint8(this.end + 4, type);
    this.dv.setUint16(this.end + 5, tag, true);
    this.end += 7;
  }
  private done(): void {
    this.dv.setUint32(this.start, this.end - this.start, true);
  }
  private u8(v: number): void {
    this.dv.setUint8(this.end, v);
    this.end += 1;
  }
  private u16(v: number): void {
    this.dv.setUint16(this.end, v, true);
    this.end += 2;
  }
  private u32(v: number): void {
    this.dv.setUint32(this.end, v, true);
    this.end += 4;
  }
  private u64(v: number): void {
    this.dv.setUint32(this.end, v, true);
    this.dv.setUint32(this.end + 4, Math.floor(v / TWO32), true);
    this.end += 8;
  }
  private halves(lo: number, hi: number): void {
    this.dv.setUint32(this.end, lo, true);
    this.dv.setUint32(this.end + 4, hi, true);
    this.end += 8;
  }
  private str(s: string): void {
    const n = this.buf.write(s, this.end + 2, 'latin1');
    this.dv.setUint16(this.end, n, true);
    this.end += 2 + n;
  }

  version(msize: number, version: string): void {
    this.begin(T.version, NOTAG);
    this.u32(msize);
    this.str(version);
    this.done();
  }
  attach(tag: number, fid: number, uname: string, aname: string, nuname: number = NONUNAME): void {
    this.begin(T.attach, tag);
    this.u32(fid);
    this.u32(NOFID);
    this.str(uname);
    this.str(aname);
    this.u32(nuname);
    this.done();
  }
  flush(tag: number, oldtag: number): void {
    this.begin(T.flush, tag);
    this.u16(oldtag);
    this.done();
  }
  /** Twalk of no name: a second fid for the same object. */
  clone(tag: number, fid: number, newfid: number): void {
    this.begin(T.walk, tag);
    this.u32(fid);
    this.u32(newfid);
    this.u16(0);
    this.done();
  }
  walk1(tag: number, fid: number, newfid: number, name: string): void {
    this.begin(T.walk, tag);
    this.u32(fid);
    this.u32(newfid);
    this.u16(1);
    this.str(name);
    this.done();
  }
  /** At most 16 names. */
  walk(tag: number, fid: number, newfid: number, names: readonly string[]): void {
    this.begin(T.walk, tag);
    this.u32(fid);
    this.u32(newfid);
    this.u16(names.length);
    for (const name of names) this.str(name);
    this.done();
  }
  /** Tlookup (extension). */
  lookup(tag: number, fid: number, name: string): void {
    this.begin(EXT.lookup, tag);
    this.u32(fid);
    this.str(name);
    this.done();
  }
  /** Twatch (extension). */
  watch(tag: number, fid: number, id: number): void {
    this.begin(EXT.watch, tag);
    this.u32(fid);
    this.u32(id);
    this.done();
  }
  /** Tunwatch (extension). */
  unwatch(tag: number, id: number): void {
    this.fidOnly(EXT.unwatch, tag, id);
  }
  /** Tchanges (extension). */
  changes(tag: number): void {
    this.begin(EXT.changes, tag);
    this.done();
  }
  clunk(tag: number, fid: number): void {
    this.fidOnly(T.clunk, tag, fid);
  }
  statfs(tag: number, fid: number): void {
    this.fidOnly(T.statfs, tag, fid);
  }
  readlink(tag: number, fid: number): void {
    this.fidOnly(T.readlink, tag, fid);
  }
  private fidOnly(type: number, tag: number, fid: number): void {
    this.begin(type, tag);
    this.u32(fid);
    this.done();
  }
  getattr(tag: number, fid: number, mask: number): void {
    this.begin(T.getattr, tag);
    this.u32(fid);
    this.halves(mask, 0);
    this.done();
  }
  setattr(
    tag: number,
    fid: number,
    valid: number,
    mode: number,
    uid: number,
    gid: number,
    sizeLo = 0,
    sizeHi = 0,
    atimeLo = 0,
    atimeHi = 0,
    atimeNsec = 0,
    mtimeLo = 0,
    mtimeHi = 0,
    mtimeNsec = 0,
  ): void {
    this.begin(T.setattr, tag);
    this.u32(fid);
    this.u32(valid);
    this.u32(mode);
    this.u32(uid);
    this.u32(gid);
    this.halves(sizeLo, sizeHi);
    this.halves(atimeLo, atimeHi);
    this.halves(atimeNsec, 0);
    this.halves(mtimeLo, mtimeHi);
    this.halves(mtimeNsec, 0);
    this.done();
  }
  lopen(tag: number, fid: number, flags: number): void {
    this.begin(T.lopen, tag);
    this.u32(fid);
    this.u32(flags);
    this.done();
  }
  lcreate(tag: number, fid: number, name: string, flags: number, mode: number, gid: number): void {
    this.begin(T.lcreate, tag);
    this.u32(fid);
    this.str(name);
    this.u32(flags);
    this.u32(mode);
    this.u32(gid);
    this.done();
  }
  symlink(tag: number, dfid: number, name: string, target: string, gid: number): void {
    this.begin(T.symlink, tag);
    this.u32(dfid);
    this.str(name);
    this.str(target);
    this.u32(gid);
    this.done();
  }
  mknod(
    tag: number,
    dfid: number,
    name: string,
    mode: number,
    major: number,
    minor: number,
    gid: number,
  ): void {
    this.begin(T.mknod, tag);
    this.u32(dfid);
    this.str(name);
    this.u32(mode);
    this.u32(major);
    this.u32(minor);
    this.u32(gid);
    this.done();
  }
  mkdir(tag: number, dfid: number, name: string, mode: number, gid: number): void {
    this.begin(T.mkdir, tag);
    this.u32(dfid);
    this.str(name);
    this.u32(mode);
    this.u32(gid);
    this.done();
  }
  link(tag: number, dfid: number, fid: number, name: string): void {
    this.begin(T.link, tag);
    this.u32(dfid);
    this.u32(fid);
    this.str(name);
    this.done();
  }
  renameat(tag: number, oldDir: number, oldName: string, newDir: number, newName: string): void {
    this.begin(T.renameat, tag);
    this.u32(oldDir);
    this.str(oldName);
    this.u32(newDir);
    this.str(newName);
    this.done();
  }
  /** The older form of renameat: `fid` is the object itself. */
  rename(tag: number, fid: number, newDir: number, newName: string): void {
    this.begin(T.rename, tag);
    this.u32(fid);
    this.u32(newDir);
    this.str(newName);
    this.done();
  }
  unlinkat(tag: number, dfid: number, name: string, flags: number): void {
    this.begin(T.unlinkat, tag);
    this.u32(dfid);
    this.str(name);
    this.u32(flags);
    this.done();
  }
  /** The older form of unlinkat: takes the fid away too, whatever the reply. */
  remove(tag: number, fid: number): void {
    this.fidOnly(T.remove, tag, fid);
  }
  /** Tread, Treaddir or Treaddirplus (`type`). */
  read(type: number, tag: number, fid: number, offLo: number, offHi: number, count: number): void {
    this.begin(type, tag);
    this.u32(fid);
    this.halves(offLo, offHi);
    this.u32(count);
    this.done();
  }
  /** Twrite with its data copied; `data.length` must fit in `room`. */
  write(tag: number, fid: number, offLo: number, offHi: number, data: Uint8Array): void {
    const n = data.length;
    putWriteHeader(this.dv, this.end, tag, fid, offLo, offHi, n);
    this.mem.u8.set(data, this.end + WRITE_HEADER);
    this.end += WRITE_HEADER + n;
  }
  fsync(tag: number, fid: number, datasync: number): void {
    this.begin(T.fsync, tag);
    this.u32(fid);
    this.u32(datasync);
    this.done();
  }
  xattrwalk(tag: number, fid: number, newfid: number, name: string): void {
    this.begin(T.xattrwalk, tag);
    this.u32(fid);
    this.u32(newfid);
    this.str(name);
    this.done();
  }
  xattrcreate(tag: number, fid: number, name: string, size: number, flags: number): void {
    this.begin(T.xattrcreate, tag);
    this.u32(fid);
    this.str(name);
    this.u64(size);
    this.u32(flags);
    this.done();
  }
  lock(
    tag: number,
    fid: number,
    type: number,
    flags: number,
    startLo: number,
    startHi: number,
    lenLo: number,
    lenHi: number,
    procId: number,
    client: string,
  ): void {
    this.begin(T.lock, tag);
    this.u32(fid);
    this.u8(type);
    this.u32(flags);
    this.halves(startLo, startHi);
    this.halves(lenLo, lenHi);
    this.u32(procId);
    this.str(client);
    this.done();
  }
  getlock(
    tag: number,
    fid: number,
    type: number,
    startLo: number,
    startHi: number,
    lenLo: number,
    lenHi: number,
    procId: number,
    client: string,
  ): void {
    this.begin(T.getlock, tag);
    this.u32(fid);
    this.u8(type);
    this.halves(startLo, startHi);
    this.halves(lenLo, lenHi);
    this.u32(procId);
    this.str(client);
    this.done();
  }
}

/** size[4] type[1] tag[2] fid[4] offset[8] count[4] */
export const WRITE_HEADER = 23;

/** The header of a Twrite of `count` bytes, at `pos`: also in front of data that already lies where it is to be sent from. */
export function putWriteHeader(
  dv: DataView,
  pos: number,
  tag: number,
  fid: number,
  offLo: number,
  offHi: number,
  count: number,
): void {
  dv.setUint32(pos, WRITE_HEADER + count, true);
  dv.setUint8(pos + 4, T.write);
  dv.setUint16(pos + 5, tag, true);
  dv.setUint32(pos + 7, fid, true);
  dv.setUint32(pos + 11, offLo, true);
  dv.setUint32(pos + 15, offHi, true);
  dv.setUint32(pos + 19, count, true);
}
