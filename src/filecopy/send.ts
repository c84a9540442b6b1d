// SPDX-License-Identifier: MIT

import { EFBIG, ELOOP, ENAMETOOLONG, ENOENT, ENXIO } from '../base/errno.ts';
import { S_IFLNK, type StatBuf } from '../base/stat.ts';
import { O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_PATH, O_RDONLY, type Sys } from '../base/sys.ts';
import {
  encodeHeader,
  HEADER_SIZE,
  Header,
  MAX_PATH_LENGTH,
  putFilelen,
  type Result,
} from '../qfile/index.ts';
import { ANSWERED, Output } from './output.ts';
import { type Visitor, Walk } from './walk.ts';

/** What is collected before it is written: several files, so that a small one costs no write and no wake-up of its own. */
const FLUSH_AT = 1 << 18;

export interface SendOptions {
  readonly sys: Sys;
  /** From the receiver, and to it: pipes or sockets, non-blocking if the receiver's early word is to be heard at once. */
  readonly readFd: number;
  readonly writeFd: number;
  readonly ignoreSymlinks: boolean;
  /** The name under which an object goes over; the walk's own path when it is undefined. Returns the same array or a new one. */
  readonly rename?: (path: Uint8Array) => Uint8Array;
  /** Give up after so many ms in which the receiver neither reads nor answers; 0 = never. */
  readonly idleMs: number;
  /** Bytes of files that have been written so far. Returns false to give up. */
  readonly progress: (bytes: number) => boolean;
  /** Called about five times a second while the receiver keeps us waiting. */
  readonly tick: () => void;
  /** Each file, link and folder, once its last byte stands in the stream, with its status from before it was read. */
  readonly sent?: (walk: Walk) => void;
  /** A device, FIFO or socket; or something that was gone when its turn came. */
  readonly skipped?: (walk: Walk, why: 'special' | 'link' | 'vanished') => void;
}

/** How a transfer ended. */
export type SendEnd =
  /** The receiver has everything, synced, and the checksums agree. */
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'refused'; readonly error: number; readonly lastName: Uint8Array | undefined }
  /** It said "well" with another checksum, or before it had everything. */
  | { readonly kind: 'mismatch' }
  /** It closed without a result. */
  | { readonly kind: 'closed' }
  /** Something here could not be read: `path` as in the stream. */
  | { readonly kind: 'unreadable'; readonly errno: number; readonly path: Uint8Array }
  /** A file got shorter while it was being read. */
  | { readonly kind: 'shrank'; readonly path: Uint8Array }
  /** `progress` said no. */
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'broken'; readonly errno: number };

/** Results of visitor calls, beside 0 and -errno of something that could not be read. */
const HEARD = 1;
const SHRANK = 2;
const CANCELLED = 3;
const BROKEN = 4;

/** One transfer: any number of arguments, then `finish`. */
export class Sender implements Visitor {
  files = 0;
  folders = 0;
  links = 0;
  bytes = 0;
  private readonly options: SendOptions;
  private readonly out: Output;
  private readonly walk: Walk;
  private readonly header = new Header();
  private reported = 0;
  private brokenBy = 0;
  private ended = false;

  constructor(options: SendOptions) {
    this.options = options;
    const { sys, readFd, writeFd, idleMs, tick } = options;
    this.out = new Output(sys, readFd, writeFd, idleMs, tick);
    this.walk = new Walk(sys, this);
  }

  /** Sends the tree `name` below `parentFd`. undefined: go on; else the transfer is over. */
  send(parentFd: number, name: Uint8Array): SendEnd | undefined {
    const r = this.walk.argument(parentFd, name);
    return r === 0 ? undefined : this.end(r);
  }

  /** The end of the stream, and the receiver's result. */
  finish(): SendEnd {
    if (this.out.room < HEADER_SIZE) {
      const r = this.flush();
      if (r !== 0) return this.end(r);
    }
    const { pos, mem } = this.out;
    mem.u8.fill(0, pos, pos + HEADER_SIZE);
    this.out.pos = pos + HEADER_SIZE;
    const r = this.out.flush();
    // A result that is there already may be the one for the whole.
    if (r !== 0 && r !== ANSWERED) return this.end(Output.gone(r) ? HEARD : this.broken(r));
    this.ended = true;
    this.options.progress(this.bytes);
    return this.end(HEARD);
  }

  enter(walk: Walk, _fd: number): number {
    this.folders++;
    const r = this.item(walk, walk.stat, 0);
    return r === 0 ? this.flushIfFull() : r;
  }

  leave(walk: Walk, _fd: number): number {
    const r = this.item(walk, walk.stat, 0);
    if (r !== 0) return r;
    this.options.sent?.(walk);
    return this.flushIfFull();
  }

  special(walk: Walk): number {
    this.options.skipped?.(walk, 'special');
    return 0;
  }

  vanished(walk: Walk): number {
    this.options.skipped?.(walk, 'vanished');
    return 0;
  }

  entry(walk: Walk, dirFd: number, type: number): number {
    if (type === S_IFLNK) return this.link(walk, dirFd);
    const { sys } = this.options;
    const fd = sys.openat(dirFd, walk.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
      if (fd === -ENOENT) return this.vanished(walk);
      // It has become a link, or a socket, since it was listed.
      return fd === -ELOOP || fd === -ENXIO ? this.special(walk) : fd;
    }
    let r = sys.stat(fd, walk.stat);
    if (r === 0) r = walk.stat.isFile ? this.file(walk, fd) : this.special(walk);
    sys.close(fd);
    return r;
  }

  private file(walk: Walk, fd: number): number {
    const { stat } = walk;
    const size = stat.size;
    if (size > Number.MAX_SAFE_INTEGER) return -EFBIG;
    const { out } = this;
    if (size > out.room - HEADER_SIZE - MAX_PATH_LENGTH) {
      const r = this.flush();
      if (r !== 0) return r;
    }
    const head = out.pos;
    let r = this.item(walk, stat, size);
    if (r !== 0) return r;
    r = size <= out.room ? this.whole(fd, size, head) : this.pieces(fd, size);
    if (r !== 0) return r;
    this.files++;
    this.options.sent?.(walk);
    return this.flushIfFull();
  }

  /** The file fits into the buffer. If it has become shorter, so does its header. */
  private whole(fd: number, size: number, head: number): number {
    const { out } = this;
    let got = 0;
    while (got < size) {
      const r = this.options.sys.read(fd, out.mem, out.pos + got, size - got);
      if (r < 0) return r;
      if (r === 0) break;
      got += r;
    }
    if (got < size && head < out.pos) putFilelen(out.mem.dv, head, got);
    out.pos += got;
    this.bytes += got;
    return 0;
  }

  private pieces(fd: number, size: number): number {
    const { out } = this;
    for (let left = size; left > 0; ) {
      if (out.room === 0) {
        const r = this.flush();
        if (r !== 0) return r;
      }
      const r = this.options.sys.read(fd, out.mem, out.pos, Math.min(left, out.room));
      if (r < 0) return r;
      if (r === 0) return SHRANK;
      left -= r;
      out.pos += r;
      this.bytes += r;
      if (out.room < FLUSH_AT) {
        const f = this.flush();
        if (f !== 0) return f;
      }
    }
    return 0;
  }

  private link(walk: Walk, dirFd: number): number {
    if (this.options.ignoreSymlinks) {
      this.options.skipped?.(walk, 'link');
      return 0;
    }
    const { sys } = this.options;
    const { out } = this;
    const fd = sys.openat(dirFd, walk.name, O_PATH | O_NOFOLLOW, 0);
    if (fd === -ENOENT) return this.vanished(walk);
    if (fd < 0) return fd;
    let r = sys.stat(fd, walk.stat);
    if (r === 0 && !walk.stat.isSymlink) {
      sys.close(fd);
      return this.special(walk);
    }
    if (r === 0 && out.room < HEADER_SIZE + 2 * MAX_PATH_LENGTH) r = this.flush();
    if (r === 0) {
      const head = out.pos;
      // The length is known when the target is: st_size is 0 on some file systems.
      r = this.item(walk, walk.stat, 0);
      if (r === 0) r = sys.readlinkFd(fd, out.mem, out.pos, MAX_PATH_LENGTH - 1);
      if (r > 0) {
        putFilelen(out.mem.dv, head, r);
        this.renamedTarget(head, r);
        this.links++;
        this.options.sent?.(walk);
        r = 0;
      }
    }
    sys.close(fd);
    return r;
  }

  /** The target of `length` bytes that stands at `pos`: renamed as the names are, so that it still leads to them. */
  private renamedTarget(head: number, length: number): void {
    const { out } = this;
    const { rename } = this.options;
    if (rename !== undefined) {
      const target = out.mem.u8.slice(out.pos, out.pos + length);
      const other = rename(target);
      out.mem.u8.set(other, out.pos);
      putFilelen(out.mem.dv, head, other.length);
      out.pos += other.length;
    } else out.pos += length;
  }

  /** Puts a header and a name into the buffer. */
  private item(walk: Walk, stat: StatBuf, filelen: number): number {
    const { out, header } = this;
    let name: Uint8Array = walk.path;
    let length = walk.length;
    if (this.options.rename !== undefined) {
      name = this.options.rename(walk.path.subarray(0, walk.length));
      length = name.length;
      if (length >= MAX_PATH_LENGTH) return -ENAMETOOLONG;
    }
    if (out.room < HEADER_SIZE + length + 1) {
      const r = this.flush();
      if (r !== 0) return r;
    }
    header.namelen = length + 1;
    header.mode = stat.mode;
    header.filelen = filelen;
    header.atime = stat.atimeSecLo;
    header.atimeNsec = stat.atimeNsec;
    header.mtime = stat.mtimeSecLo;
    header.mtimeNsec = stat.mtimeNsec;
    const { u8, dv } = out.mem;
    encodeHeader(dv, out.pos, header);
    let at = out.pos + HEADER_SIZE;
    for (let i = 0; i < length; i++) u8[at++] = name[i] as number;
    u8[at++] = 0;
    out.pos = at;
    return 0;
  }

  private flushIfFull(): number {
    return this.out.pos >= FLUSH_AT ? this.flush() : 0;
  }

  private flush(): number {
    const r = this.out.flush();
    if (r === 0) {
      if (this.bytes === this.reported) return 0;
      this.reported = this.bytes;
      return this.options.progress(this.bytes) ? 0 : CANCELLED;
    }
    return r === ANSWERED || Output.gone(r) ? HEARD : this.broken(r);
  }

  private broken(errno: number): number {
    this.brokenBy = -errno;
    return BROKEN;
  }

  /** What a result of the walk means. */
  private end(r: number): SendEnd {
    const { walk } = this;
    if (r === HEARD) return this.judge(this.out.readResult());
    if (r === SHRANK) return { kind: 'shrank', path: walk.path.slice(0, walk.length) };
    if (r === CANCELLED) return { kind: 'cancelled' };
    if (r === BROKEN) return { kind: 'broken', errno: this.brokenBy };
    return { kind: 'unreadable', errno: -r, path: walk.path.slice(0, walk.length) };
  }

  private judge(result: Result | undefined | number): SendEnd {
    if (result === undefined) return { kind: 'closed' };
    if (typeof result === 'number') return { kind: 'broken', errno: -result };
    if (result.error !== 0) return { kind: 'refused', error: result.error, lastName: result.lastName };
    // "Well" before the end of the stream is no confirmation, whatever the sums say.
    return this.ended && result.crc === this.out.crc ? { kind: 'confirmed' } : { kind: 'mismatch' };
  }
}
