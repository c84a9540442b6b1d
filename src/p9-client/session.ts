// SPDX-License-Identifier: MIT

import { EAGAIN, EOPNOTSUPP } from '../base/errno.ts';
import { because, EXIT, type ExitCode, NinefoldError, printable } from '../base/error.ts';
import type { Mem } from '../base/mem.ts';
import { POLLIN, POLLOUT, type Sys } from '../base/sys.ts';
import { BAD_FRAME, DECODED, decode, frameSize, NEED_MORE } from '../p9/codec.ts';
import { Reader } from '../p9/coder.ts';
import { IOHDRSZ, MAX_MSIZE, MIN_MSIZE, NONUNAME, VERSION, VERSION_EXT } from '../p9/constants.ts';
import { RLERROR, T } from '../p9/messages.ts';
import { Msg } from '../p9/msg.ts';
import { Requests } from './requests.ts';
import { attachSize } from './sizes.ts';

/** What two sides agreed on before the first request. */
export interface Session {
  readonly msize: number;
  /** The server keeps Ninefold's promises: requests take effect in the order in which they were sent. */
  readonly ordered: boolean;
  /** It also has the messages of extension.ts. */
  readonly extended: boolean;
  /** The fid of the tree's root. */
  readonly rootFid: number;
  readonly root: {
    readonly type: number;
    readonly version: number;
    readonly pathLo: number;
    readonly pathHi: number;
  };
}

export interface AttachOptions {
  /** Non-blocking descriptors, which stay the caller's to close. */
  readonly readFd: number;
  readonly writeFd: number;
  /** The other side as a person knows it, for messages: `unix:/run/x`. */
  readonly peer: string;
  /** Which tree, where a server has several. Default: empty. */
  readonly aname?: string;
  readonly uname?: string;
  /** Numeric user to act as, where the server lets us choose. */
  readonly nuname?: number;
  /** Largest message, 4,096 … 1,048,600. */
  readonly msize?: number;
  /** Milliseconds for all of it. Default 10,000. */
  readonly timeoutMs?: number;
  /** Done again and again while the other side is waited for, a few milliseconds at a time; false: nothing left to do. */
  readonly meanwhile?: () => boolean;
}

/** Where the mounted tree's root is: fids of walks come after it. */
export const ROOT_FID = 0;
/** Replies to Tversion and Tattach are short; anything longer is no 9P. */
const FIRST_MSIZE = 8192;

/**
 * Tversion and Tattach. Fails with a NinefoldError whose `code` is one of P9_SILENT (nothing came in time), P9_CLOSED (closed before or in the middle of a
 * reply), P9_NOT_9P (what came is no 9P), P9_VERSION (another dialect), P9_REFUSED (the server said no).
 */
export async function attachSession(sys: Sys, options: AttachOptions): Promise<Session> {
  const talk = new Handshake(sys, options);
  const msize = Math.min(MAX_MSIZE, Math.max(MIN_MSIZE, options.msize ?? MAX_MSIZE));
  let ordered = true;
  let m = await talk.offerExtended(msize);
  if (m === undefined || m.name.text() === 'unknown') {
    ordered = false;
    m = await talk.version(msize, VERSION);
  }
  const answer = m.name.text();
  if (answer === VERSION) ordered = false;
  else if (answer !== VERSION_EXT || !ordered) {
    throw talk.error(
      'P9_VERSION',
      EXIT.protocol,
      `it speaks ${printable(answer.slice(0, 40)) || 'no version'}, not ${VERSION}`,
      'use a server of the Linux dialect: ninefold serve, qfsd, diod, QEMU',
    );
  }
  const agreed = Math.min(m.msize, msize);
  if (m.msize > msize || agreed < MIN_MSIZE) {
    throw talk.error(
      'P9_VERSION',
      EXIT.protocol,
      `it wants messages of ${m.msize} bytes, and ${MIN_MSIZE} … ${msize} are possible`,
      'set its msize to 128 KiB or more',
    );
  }
  const { uname = '', aname = '' } = options;
  const size = attachSize(uname, aname);
  if (size > Math.min(agreed, FIRST_MSIZE)) {
    throw talk.error(
      'P9_REFUSED',
      EXIT.noPermission,
      `the names of the user and of the share make a message of ${size} bytes, and it takes ${Math.min(agreed, FIRST_MSIZE)}`,
      'ask for larger messages (msize), or for a share with a shorter name',
    );
  }
  const { qid } = await talk.attach(options);
  if ((qid.type & 0x80) === 0) {
    throw talk.error('P9_REFUSED', EXIT.noInput, 'what it serves is not a folder', 'share a folder');
  }
  return {
    msize: agreed,
    ordered,
    extended: ordered && (await talk.hasLookup()),
    rootFid: ROOT_FID,
    root: { type: qid.type, version: qid.version, pathLo: qid.pathLo, pathHi: qid.pathHi },
  };
}

/** One request at a time, with a time limit. Waits in steps of Node's timers, so that signals are heard. */
class Handshake {
  private readonly sys: Sys;
  private readonly o: AttachOptions;
  private readonly mem: Mem;
  private readonly requests: Requests;
  private readonly deadline: number;
  private readonly pollfd: Mem;
  private readonly reader: Reader;
  private readonly msg = new Msg();

  constructor(sys: Sys, o: AttachOptions) {
    this.sys = sys;
    this.o = o;
    this.mem = sys.alloc(FIRST_MSIZE);
    this.requests = new Requests(sys.alloc(FIRST_MSIZE));
    this.pollfd = sys.alloc(8);
    this.reader = new Reader(this.mem.u8);
    this.deadline = performance.now() + (o.timeoutMs ?? 10_000);
  }

  error(code: string, exit: ExitCode, why: string, remedy: string): NinefoldError {
    return new NinefoldError({ code, exit, what: 'cannot use the 9P server', on: this.o.peer, why, remedy });
  }

  /** Whether the extended dialect was answered with a version at all: some servers answer one that they do not know with an error (diod does). */
  async offerExtended(msize: number): Promise<Msg | undefined> {
    this.requests.version(msize, VERSION_EXT);
    try {
      return await this.ask(T.version + 1);
    } catch (error) {
      if (error instanceof NinefoldError && error.code === 'P9_REFUSED') return undefined;
      throw error;
    }
  }

  async version(msize: number, version: string): Promise<Msg> {
    this.requests.version(msize, version);
    return this.ask(T.version + 1);
  }

  async attach(o: AttachOptions): Promise<Msg> {
    this.requests.attach(0, ROOT_FID, o.uname ?? '', o.aname ?? '', o.nuname ?? NONUNAME);
    return this.ask(T.attach + 1);
  }

  /** Whether Tlookup is known: asked of a name that no folder can have, which everyone refuses, each in its own way. */
  async hasLookup(): Promise<boolean> {
    this.requests.lookup(0, ROOT_FID, '/');
    await this.send();
    this.reader.at(0, await this.receive());
    return !(
      decode(this.reader, this.msg) === DECODED &&
      this.msg.type === RLERROR &&
      this.msg.ecode === EOPNOTSUPP
    );
  }

  private async ask(want: number): Promise<Msg> {
    await this.send();
    const end = await this.receive();
    this.reader.at(0, end);
    const decoded = decode(this.reader, this.msg);
    const { type, ecode } = this.msg;
    if (decoded === DECODED && type === RLERROR) {
      throw this.error(
        'P9_REFUSED',
        EXIT.noPermission,
        `it refused: ${because(ecode)}`,
        'check the user and the share that were asked for',
      );
    }
    if (decoded !== DECODED || type !== want) {
      throw this.error(
        'P9_NOT_9P',
        EXIT.protocol,
        'what came back is not 9P',
        'check that a 9P server listens there',
      );
    }
    return this.msg;
  }

  private async send(): Promise<void> {
    let at = 0;
    while (at < this.requests.end) {
      const n = this.sys.write(this.o.writeFd, this.requests.mem, at, this.requests.end - at);
      if (n === -EAGAIN) await this.wait(this.o.writeFd, POLLOUT);
      else if (n < 0) throw this.closed(`it closed the connection (${because(n)})`);
      else at += n;
    }
    this.requests.end = 0;
  }

  private async receive(): Promise<number> {
    let have = 0;
    for (;;) {
      const size = frameSize(this.mem.dv, 0, have, FIRST_MSIZE);
      if (size === BAD_FRAME) {
        throw this.error(
          'P9_NOT_9P',
          EXIT.protocol,
          'what came back is not 9P',
          'check that a 9P server listens there',
        );
      }
      if (size !== NEED_MORE) return size;
      const n = this.sys.read(this.o.readFd, this.mem, have, FIRST_MSIZE - have);
      if (n === -EAGAIN) await this.wait(this.o.readFd, POLLIN);
      else if (n < 0) throw this.closed(`reading from it failed: ${because(n)}`);
      else if (n === 0) {
        throw this.closed(
          have === 0
            ? 'it closed the connection without a word'
            : `it closed the connection in the middle of a reply (${have} bytes of it had come)`,
        );
      } else have += n;
    }
  }

  private closed(why: string): NinefoldError {
    return this.error('P9_CLOSED', EXIT.unavailable, why, 'look at the server’s own message or log');
  }

  private async wait(fd: number, events: number): Promise<void> {
    if (performance.now() > this.deadline) {
      throw this.error(
        'P9_SILENT',
        EXIT.unavailable,
        `nothing came within ${(this.o.timeoutMs ?? 10_000) / 1000} s`,
        'check that a 9P server listens there and is not stuck',
      );
    }
    const { dv } = this.pollfd;
    dv.setInt32(0, fd, true);
    dv.setUint32(4, events, true);
    // A short sleep in poll(2) wakes at once when bytes come; then Node's loop gets its turn.
    const busy = this.o.meanwhile?.() ?? false;
    const came = this.sys.poll(this.pollfd, 1, busy ? 0 : 5) > 0;
    if (came || busy) await new Promise((resolve) => setImmediate(resolve));
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The most data that one Tread or Twrite carries under an msize. */
export function ioUnit(msize: number): number {
  return msize - IOHDRSZ;
}
