// SPDX-License-Identifier: MIT

import { EFBIG, ELOOP, ENAMETOOLONG, ENOENT, ENXIO, ETIMEDOUT } from '../base/errno.ts';
import { S_IFLNK, type StatBuf } from '../base/stat.ts';
import { O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_PATH, O_RDONLY } from '../base/sys.ts';
import {
  type Answer,
  beginning,
  encodeHeader,
  GREETING,
  HEADER_SIZE,
  Header,
  MAX_PATH_LENGTH,
  OP_ASK,
  OP_HELLO,
  OP_REPLACE,
  OP_RESUME,
  putFilelen,
  type Result,
} from '../qfile/index.ts';
import { ANSWERED, Output } from './output.ts';
import { readAnswers, readGreeting } from './replies.ts';
import { type Decision, pathKey, resumeAt, type SendEnd, type SendOptions, withLeaf } from './send-types.ts';
import { PASS_BY, type Visitor, Walk } from './walk.ts';

/** What is collected before it is written: several files, so that a small one costs no write and no wake-up of its own. */
const FLUSH_AT = 1 << 18;

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
  /** The upper half of the mode of what is put next. */
  private op = 0;
  /** The first item's header is sent already. */
  private begun: { readonly filelen: number } | undefined;
  private decisions: ReadonlyMap<string, Decision> | undefined;
  private decision: Decision | undefined;
  /** The folder that the walk is in goes over under another name: the length of its path here, and that name. */
  private moved: { readonly length: number; readonly name: Uint8Array } | undefined;

  constructor(options: SendOptions) {
    this.options = options;
    const { sys, readFd, writeFd, idleMs, tick } = options;
    this.out = new Output(sys, readFd, writeFd, idleMs, tick);
    this.walk = new Walk(sys, this);
  }

  /** Sends the tree `name` below `parentFd`. undefined: go on; else the transfer is over. */
  send(parentFd: number, name: Uint8Array): SendEnd | undefined {
    if (!this.options.progress(this.bytes)) return this.end(CANCELLED);
    const r = this.walk.argument(parentFd, name);
    return r === 0 ? undefined : this.end(r);
  }

  /** The end of the stream, and the receiver's result. Whoever has cancelled gets neither. */
  finish(): SendEnd {
    if (!this.options.progress(this.bytes)) return this.end(CANCELLED);
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
    return this.end(HEARD);
  }

  /**
   * Finds out whether the receiver knows the extension: begins with the first argument in a way that any receiver takes, and waits for a greeting, for `patienceMs` (0: as long as for anything else). Only before
   * anything else.
   * A SendEnd: it has refused. undefined: it does not know it, and the transfer goes on as the original's.
   */
  negotiate(
    parentFd: number,
    name: Uint8Array,
    patienceMs: number,
  ): { replace: boolean } | SendEnd | undefined {
    const { walk, out } = this;
    const r = walk.stand(parentFd, name);
    if (r < 0) return this.end(r);
    if (!walk.stat.isDir && !walk.stat.isFile) return undefined;
    const filelen = walk.stat.isFile ? walk.stat.size : 0;
    this.op = OP_HELLO;
    const put = this.item(walk, walk.stat, filelen);
    this.op = 0;
    if (put !== 0) return this.end(put);
    const flushed = out.flush();
    if (flushed < 0) return this.end(Output.gone(flushed) ? HEARD : this.broken(flushed));
    this.begun = { filelen };
    const heard = out.hears(patienceMs);
    if (heard === -ETIMEDOUT) return patienceMs === 0 ? { kind: 'broken', errno: ETIMEDOUT } : undefined;
    if (heard < 0) return { kind: 'broken', errno: -heard };
    const greeting = readGreeting(this.options.sys, out);
    if ('instead' in greeting) return this.judge(greeting.instead);
    out.restart(beginning(greeting.nonce));
    this.begun = undefined;
    return { replace: greeting.replace };
  }

  /** Asks about a name, as it stands in the stream. After a greeting only. 0, or the end of the transfer. */
  ask(name: Uint8Array, mode: number): SendEnd | undefined {
    this.op = OP_ASK;
    const r = this.put(name, name.length, mode, 0);
    this.op = 0;
    return r === 0 ? undefined : this.end(r);
  }

  /** The answers to `count` questions, in order. */
  answers(count: number): Answer[] | SendEnd {
    const { out } = this;
    // That the receiver speaks is what is wanted here.
    const flushed = out.flush();
    if (flushed < 0) return this.end(Output.gone(flushed) ? HEARD : this.broken(flushed));
    const found = readAnswers(this.options.sys, out, count);
    return 'instead' in found ? this.judge(found.instead) : found;
  }

  /** What is to be done about names that are taken, by path in this walk. */
  decide(decisions: ReadonlyMap<string, Decision>): void {
    this.decisions = decisions.size === 0 ? undefined : decisions;
  }

  enter(walk: Walk, _fd: number): number {
    const decision = this.decisions?.get(pathKey(walk.path, walk.length));
    if (decision?.kind === 'skip') return PASS_BY;
    if (decision?.kind === 'rename')
      this.moved = { length: walk.length, name: withLeaf(this.named(walk), decision.leaf) };
    this.folders++;
    const r = this.item(walk, walk.stat, 0);
    return r === 0 ? this.flushIfFull() : r;
  }

  leave(walk: Walk, _fd: number): number {
    const r = this.item(walk, walk.stat, 0);
    if (r !== 0) return r;
    if (this.moved?.length === walk.length) this.moved = undefined;
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
    if (this.decisions === undefined) return this.object(walk, dirFd, type);
    const decision = this.decisions.get(pathKey(walk.path, walk.length));
    if (decision?.kind === 'skip') {
      this.options.skipped?.(walk, 'taken');
      return 0;
    }
    if (decision?.kind === 'replace') this.op = OP_REPLACE;
    this.decision = decision;
    const r = this.object(walk, dirFd, type);
    this.decision = undefined;
    this.op = 0;
    return r;
  }

  private object(walk: Walk, dirFd: number, type: number): number {
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
    const resume = resumeAt(this.options.sys, fd, size, this.decision);
    const from = out.pos;
    if (resume > 0) this.op = OP_RESUME;
    let r = this.item(walk, stat, size - resume);
    if (r !== 0) return r;
    // Of a header that is sent already (see `negotiate`) nothing can be corrected.
    const head = out.pos > from ? from : -1;
    if (resume > 0) {
      out.mem.dv.setBigUint64(out.pos, BigInt(resume), true);
      out.pos += 8;
      this.options.sys.lseek(fd, resume, 0);
    }
    const left = size - resume;
    r = left <= out.room ? this.whole(fd, left, head) : this.pieces(fd, left);
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
    if (got < size && head < 0) return SHRANK;
    if (got < size) putFilelen(out.mem.dv, head, got);
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

  /** Puts a header and the walk's name into the buffer. */
  private item(walk: Walk, stat: StatBuf, filelen: number): number {
    if (this.begun !== undefined) {
      const same = this.begun.filelen === filelen;
      this.begun = undefined;
      return same ? 0 : SHRANK;
    }
    const { header } = this;
    header.atime = stat.atimeSecLo;
    header.atimeNsec = stat.atimeNsec;
    header.mtime = stat.mtimeSecLo;
    header.mtimeNsec = stat.mtimeNsec;
    const { options, decision } = this;
    if (options.rename === undefined && decision?.kind !== 'rename' && this.moved === undefined)
      return this.put(walk.path, walk.length, stat.mode, filelen);
    const name = decision?.kind === 'rename' ? withLeaf(this.named(walk), decision.leaf) : this.named(walk);
    return this.put(name, name.length, stat.mode, filelen);
  }

  /** The walk's path as it goes over. */
  private named({ path, length }: Walk): Uint8Array {
    const { moved } = this;
    const rest = path.subarray(moved?.length ?? 0, length);
    const name = this.options.rename?.(rest) ?? rest;
    return moved === undefined ? name : Buffer.concat([moved.name, name]);
  }

  private put(name: Uint8Array, length: number, mode: number, filelen: number): number {
    const { out, header } = this;
    if (length >= MAX_PATH_LENGTH) return -ENAMETOOLONG;
    if (out.room < HEADER_SIZE + length + 1) {
      const r = this.flush();
      if (r !== 0) return r;
    }
    header.namelen = length + 1;
    header.mode = (this.op << 16) | mode;
    header.filelen = filelen;
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
    // It has forgotten the first item, and waits for a beginning; what it gets instead it refuses.
    if (result.error === GREETING) return { kind: 'late' };
    if (result.error !== 0) return { kind: 'refused', error: result.error, lastName: result.lastName };
    // "Well" before the end of the stream is no confirmation, whatever the sums say.
    return this.ended && result.crc === this.out.crc ? { kind: 'confirmed' } : { kind: 'mismatch' };
  }
}
