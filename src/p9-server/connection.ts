// SPDX-License-Identifier: MIT

import { EAGAIN, ECONNRESET, EINVAL, EIO, EOPNOTSUPP, EPIPE, EPROTO, errnoName } from '../base/errno.ts';
import { printable } from '../base/error.ts';
import type { Mem } from '../base/mem.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, type Sys } from '../base/sys.ts';
import type { Turns, Watch } from '../base/turns.ts';
import { BAD_FRAME, DECODED, decode, NEED_MORE, UNKNOWN_TYPE } from '../p9/codec.ts';
import type { Writer } from '../p9/coder.ts';
import { HEADER, MIN_MSIZE, VERSION, VERSION_EXT } from '../p9/constants.ts';
import { RLERROR, T } from '../p9/messages.ts';
import { Msg } from '../p9/msg.ts';
import { type Backend, DEFERRED, type Deferred, type Wire } from './backend.ts';
import { Incoming } from './incoming.ts';
import { LiveRequest, LiveRequests } from './live.ts';
import { type FileRun, Outgoing } from './outgoing.ts';
import type { Stats } from './stats.ts';

/** Before Tversion only Tversion is expected, and it is small. */
const FIRST_MSIZE = 8192;
/** Room beside one message of msize, so that a turn takes in and gives out many small ones. */
const SLACK = 128 * 1024;
/** How long a peer that sends no more may wait for what it asked before. Milliseconds. */
const LAST_REPLIES_MS = 5000;
/**
 * A client that waits for each reply has its next request here when the reply is sent, if it runs on the same processor: read at once, it costs no poll(2) (a tenth of the time of a small
 * request). Others must get their turn, and where such a look is in vain, it is not taken for a while.
 */
const READS_PER_TURN = 32;
const READ_PAUSE = 32;
/** Room of the smallest reply: a header, and what `seal` looks at behind it. */
const SMALLEST = HEADER + 4;
const CLOSED = 'the peer closed the connection';

/** Why a connection ended. `clean`: the peer closed between two messages. */
export interface ServeEnd {
  readonly clean: boolean;
  readonly why: string;
}

/**
 * One 9P connection on a pair of descriptors: a turn reads all that has arrived, decodes each complete message, has the backend answer it, and writes
 * all replies at once. While the peer does not take replies, nothing more is read from it.
 *
 * The descriptors stay the caller's to close.
 */
export class Connection implements Wire {
  private readonly backend: Backend;
  private readonly turns: Turns;
  private readonly stats: Stats;
  private readonly limits: { msize: number; inflight: number };
  private readonly readWatch: Watch;
  private readonly writeWatch: Watch;
  private readonly coming: Incoming;
  private readonly going: Outgoing;
  readonly sendsFiles: boolean;

  private readonly msg = new Msg();
  private msize = FIRST_MSIZE;
  private versioned = false;

  private readonly live = new LiveRequests();
  /** For so many turns the peer's next message is not looked for at once: the last look was in vain. */
  private pause = 0;
  private ending: ServeEnd | undefined;
  /** The peer sends no more; the timer ends the wait for its last replies. */
  private closing: NodeJS.Timeout | undefined;
  private readonly done: (end: ServeEnd) => void;

  constructor(how: {
    sys: Sys;
    turns: Turns;
    readFd: number;
    writeFd: number;
    /** `writeFd` is a socket that does not block: files go to it by sendfile(2). */
    sendsFiles?: boolean;
    backend: Backend;
    stats: Stats;
    limits: { msize: number; inflight: number };
    done: (end: ServeEnd) => void;
  }) {
    this.backend = how.backend;
    this.turns = how.turns;
    this.stats = how.stats;
    this.limits = how.limits;
    this.done = how.done;
    this.coming = new Incoming(how.sys, how.readFd, FIRST_MSIZE + SLACK);
    this.going = new Outgoing(how.sys, how.writeFd, FIRST_MSIZE + SLACK);
    this.sendsFiles = how.sendsFiles === true;
    this.readWatch = { fd: how.readFd, events: POLLIN, turn: () => this.onReadable() };
    this.writeWatch = { fd: how.writeFd, events: 0, turn: (revents) => this.onWritable(revents) };
    this.turns.add(this.readWatch);
    this.turns.add(this.writeWatch);
  }

  /** Whether somebody waits for an answer. Not who has asked to be told of changes. */
  get due(): boolean {
    return this.live.due;
  }

  /** Ends the connection: no more is read or written. */
  end(clean: boolean, why: string): void {
    if (this.ending !== undefined) return;
    this.ending = { clean, why };
    clearTimeout(this.closing);
    this.readWatch.events = 0;
    this.writeWatch.events = 0;
    this.turns.remove(this.readWatch);
    this.turns.remove(this.writeWatch);
    this.going.drop();
    this.live.cancelAll();
    this.backend.reset();
    this.done(this.ending);
  }

  private onReadable(): void {
    let more = this.pause > 0 ? 1 : READS_PER_TURN;
    this.pause = Math.max(0, this.pause - 1);
    // One call alone: what is compiled for the first message of a turn serves the others.
    while (this.takeIn() && --more > 0 && this.readsOn());
  }

  /** Whether the peer's next message may be looked for at once, without asking poll(2) what else there is. */
  private readsOn(): boolean {
    return this.ending === undefined && this.readWatch.events === POLLIN && !this.backend.hearsOthers;
  }

  /** Takes in what has come, and answers it. False: there was nothing, or is nothing more. */
  private takeIn(): boolean {
    const { coming } = this;
    const got = coming.read();
    if (got > 0) {
      this.stats.bytesIn += got;
      this.proceed();
      return true;
    }
    if (got === -EAGAIN) this.pause = READ_PAUSE;
    else if (got < 0) this.lost(got, 'reading from the peer failed', coming.left === 0);
    else {
      this.flush();
      if (coming.left === 0) this.close();
      else this.end(false, `${CLOSED} in the middle of a message (${coming.left} bytes of it had come)`);
    }
    return false;
  }

  /** A call on the peer's channel has failed. `whole`: between two messages, where a peer that is only gone may go. */
  private lost(r: number, why: string, whole: boolean): void {
    this.end(whole && (r === -EPIPE || r === -ECONNRESET), `${why} (${errnoName(r)})`);
  }

  /** The peer sends no more, and may still read: it gets the replies that are due, for a while. Ends at once when there are none, or nobody to read them. */
  private close(): void {
    if (this.ending !== undefined) return;
    if (!this.live.due && this.going.pending === 0) return this.end(true, CLOSED);
    this.closing ??= setTimeout(() => this.end(true, CLOSED), LAST_REPLIES_MS);
    this.readWatch.events = 0;
    // poll(2) tells of an error without being asked, but not of what is not watched at all.
    if (this.writeWatch.events === 0) this.writeWatch.events = POLLERR;
  }

  private onWritable(revents: number): void {
    if (this.closing !== undefined && (revents & (POLLERR | POLLHUP)) !== 0) return this.end(true, CLOSED);
    this.flush();
    if (this.ending === undefined && this.going.pending === 0) this.proceed();
  }

  /** Goes on with what has come until there is no more of it, or the peer takes no more replies: then its taking them goes on here. */
  private proceed(): void {
    while (!this.process()) {
      this.flush();
      // The peer may have made room since: what waits in the input must not wait for more input.
      if (this.ending !== undefined || this.going.pending > 0) return;
    }
    this.flush();
    if (this.closing !== undefined) this.close();
  }

  get input(): Mem {
    return this.coming.mem;
  }

  /** The memory that replies are written into. */
  get out(): Mem {
    return this.going.mem;
  }

  private get writer(): Writer {
    return this.going.writer;
  }

  /** Runs every complete message that has arrived, as long as its reply has room. False: one has none. */
  private process(): boolean {
    const { msg, coming } = this;
    while (this.ending === undefined) {
      if (this.going.runPending) return false;
      if (this.live.full(this.limits.inflight)) break;
      const size = coming.next(this.msize);
      if (size === NEED_MORE) break;
      if (size === BAD_FRAME) {
        this.end(
          false,
          `the peer sent a message of ${coming.announced} bytes (at most ${this.msize} were agreed): it does not speak 9P2000.L`,
        );
        return true;
      }
      const decoded = decode(coming.reader, msg);
      const need = decoded === DECODED ? Math.max(64, this.backend.need(msg, this.msize)) : 64;
      if (this.writer.pos + need > this.outMax && !this.makeRoom(need)) return this.ending !== undefined;
      coming.take(size);
      this.stats.requests++;
      if (decoded === DECODED) this.dispatch();
      else this.error(msg.tag, decoded === UNKNOWN_TYPE ? EOPNOTSUPP : EINVAL);
    }
    coming.compact(this.msize + HEADER);
    this.readWatch.events = this.mayRead();
    return true;
  }

  private mayRead(): number {
    return this.closing !== undefined || this.live.full(this.limits.inflight) ? 0 : POLLIN;
  }

  /** What fast replies may fill: slow ones, which cannot wait, may have made the buffer larger for a while. */
  private get outMax(): number {
    return Math.min(this.out.size, this.msize + SLACK);
  }

  private makeRoom(need: number): boolean {
    this.flush();
    if (this.ending !== undefined) return false;
    return this.writer.pos + need <= this.outMax;
  }

  /** Sends what is waiting. When the peer takes no more, reading stops until it does. */
  private flush(): void {
    while (this.ending === undefined) {
      const n = this.going.send();
      if (n === 0) break;
      if (n === -EAGAIN) {
        this.writeWatch.events = POLLOUT;
        this.readWatch.events = 0;
        return;
      }
      if (n < 0) return this.lost(n, 'the peer went away before it took its replies', true);
      this.stats.bytesOut += n;
      this.stats.replied?.();
    }
    if (this.ending !== undefined) return;
    if (this.out.size > this.msize + SLACK) this.going.resize(this.msize + SLACK);
    if (this.writeWatch.events !== 0) {
      this.writeWatch.events = 0;
      this.readWatch.events = this.mayRead();
    }
  }

  private dispatch(): void {
    const { msg, writer } = this;
    const { type, tag } = msg;
    this.stats.count(type);
    if (type === T.version) return this.version();
    if (!this.versioned) return this.error(tag, EPROTO);
    // A tag that still waits for its reply must not name a second request.
    if (this.live.with(tag) !== undefined) return this.error(tag, EINVAL);
    if (type === T.flush) return this.flushTag();
    const start = writer.pos;
    writer.at(start + HEADER, this.endOfReply(start));
    const result = this.backend.handle(msg, writer, this);
    if (result === 0 && !writer.over) this.seal(start, type + 1, tag);
    else if (result === DEFERRED) writer.at(start, this.out.size);
    else {
      writer.at(start, this.out.size);
      this.error(tag, result < 0 ? -result : EIO);
    }
  }

  /** Where the reply that begins at `start` must have ended: no message is larger than msize. */
  private endOfReply(start: number): number {
    return Math.min(this.out.size, start + this.msize);
  }

  /** The present reply ends with bytes of a file: the last thing that a handler does. */
  endWith(run: FileRun): void {
    this.going.endWith(run);
  }

  /** Writes the header of the reply whose body ends at `writer.pos`, or with the run there. */
  private seal(start: number, type: number, tag: number): void {
    const { dv } = this.out;
    const size = this.writer.pos - start + this.going.runBehind;
    this.stats.countReply(type, dv.getUint32(start + HEADER, true));
    dv.setUint32(start, size, true);
    dv.setUint8(start + 4, type);
    dv.setUint16(start + 5, tag, true);
  }

  private error(tag: number, errno: number): void {
    this.stats.errors++;
    const { writer } = this;
    const start = writer.pos;
    writer.at(start, this.out.size);
    writer.u32(HEADER + 4);
    writer.u8(RLERROR);
    writer.u16(tag);
    writer.u32(errno);
  }

  private version(): void {
    const { msg, writer } = this;
    const asked = msg.name.text();
    this.live.cancelAll();
    this.backend.reset();
    if (msg.msize < MIN_MSIZE) return this.error(msg.tag, EINVAL);
    const answer =
      asked === VERSION_EXT && this.backend.ordered
        ? VERSION_EXT
        : asked === VERSION || asked.startsWith(`${VERSION}.`)
          ? VERSION
          : 'unknown';
    this.versioned = answer !== 'unknown';
    const msize = Math.min(msg.msize, this.limits.msize);
    const start = writer.pos;
    writer.at(start + HEADER, this.out.size);
    writer.u32(msize);
    const text = new TextEncoder().encode(answer);
    writer.u16(text.length);
    msg.name.set(text, 0, text.length);
    writer.bytes(msg.name);
    this.seal(start, T.version + 1, msg.tag);
    if (this.versioned) this.resize(msize);
    else this.stats.note(`version refused: ${printable(asked)}`);
  }

  /** New buffers for an agreed msize; the bytes that are in the old ones come along. */
  private resize(msize: number): void {
    this.msize = msize;
    if (msize + SLACK <= this.input.size) return;
    this.coming.resize(msize + SLACK);
    this.going.resize(Math.max(msize, this.going.pending) + SLACK);
  }

  /** Hands the present request's tag to a backend that answers later. */
  defer(): Deferred {
    const live = new LiveRequest(this.msg.tag, this.msg.type, this.answer);
    this.live.add(live);
    return live;
  }

  /** The reply of a deferred request, on Node's event loop. */
  private readonly answer = (live: LiveRequest, need: number, body: (w: Writer) => number): void => {
    this.live.ended(live);
    if (this.ending !== undefined) return;
    if (!live.cancelled) {
      if (!this.makeRoomNow(Math.max(need, SMALLEST))) return;
      const start = this.writer.pos;
      this.writer.at(start + HEADER, this.endOfReply(start));
      const r = body(this.writer);
      if (r >= 0 && !this.writer.over) this.seal(start, live.type + 1, live.tag);
      else {
        this.writer.at(start, this.out.size);
        this.error(live.tag, r < 0 ? -r : EIO);
      }
    }
    for (const tag of live.flushers) this.flushed(tag);
    // Requests may have been waiting for one to finish, and the peer may have made room meanwhile.
    if (this.writeWatch.events !== 0) this.flush();
    if (this.ending === undefined && this.writeWatch.events === 0) this.proceed();
  };

  /** Room for a reply that cannot wait for the peer: waits for it here, as long as it takes anything at all. */
  private makeRoomNow(need: number): boolean {
    if (this.writer.pos + need <= this.out.size) return true;
    this.flush();
    if (this.ending !== undefined) return false;
    if (this.writer.pos + need <= this.out.size) return true;
    // The peer's socket is full: the buffer grows, by doubling, as there may be many of these.
    this.going.resize(Math.max(this.going.pending + need + SLACK, this.going.pending * 2));
    return true;
  }

  /** Tflush: Rflush never comes before the reply that it overtakes, and after it nothing is sent for the old tag. */
  private flushTag(): void {
    const { tag, oldtag } = this.msg;
    const live = this.live.with(oldtag);
    if (live === undefined) return this.flushed(tag);
    if ((live.type === T.read || live.type === T.changes) && live.tag === oldtag) {
      // It leaves no trace: it is forgotten at once.
      this.live.cancel(live);
      return this.flushed(tag);
    }
    live.flushers.push(tag);
  }

  private flushed(tag: number): void {
    if (!this.makeRoomNow(SMALLEST)) return;
    const start = this.writer.pos;
    this.writer.at(start + HEADER, this.out.size);
    this.seal(start, T.flush + 1, tag);
  }
}
