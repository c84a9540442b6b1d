// SPDX-License-Identifier: MIT

import { EINVAL, EIO, ENOTCONN, EPROTO } from '../base/errno.ts';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import { BAD_FRAME, DECODED, decode, encode, frameSize, NEED_MORE } from '../p9/codec.ts';
import { Reader, Writer } from '../p9/coder.ts';
import { HEADER, IOHDRSZ, MAX_MSIZE, MIN_MSIZE, NOTAG, VERSION } from '../p9/constants.ts';
import { BY_TYPE, RLERROR, T } from '../p9/messages.ts';
import { Msg } from '../p9/msg.ts';

/** What the client writes to. `node:stream`'s Duplex is one, with `data`, `end`, `close` and `error` events. */
export interface ByteStream {
  write(bytes: Uint8Array): unknown;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  end(flushed: () => void): unknown;
  destroy(): unknown;
}

/** A server's refusal: Rlerror. `errno` is Linux' number. */
export class P9Error extends Error {
  readonly errno: number;
  readonly operation: string;

  constructor(operation: string, errno: number) {
    super(`${operation}: ${because(errno)}`);
    this.name = 'P9Error';
    this.errno = errno;
    this.operation = operation;
  }
}

interface Call {
  readonly type: number;
  readonly read: (m: Msg) => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** Requests waiting for replies at one time; more wait for a tag. */
const MAX_TAGS = 1024;
/** For what was written to leave, after `close`. */
const CLOSE_MS = 1000;

/**
 * 9P requests as promises, over a stream of Node's: for programs, not for mounts (those go through the engine of `Channel` and `Tags`, which makes
 * no promise and no copy). Strict: a reply that is malformed, too long, of a wrong type or for a tag that nobody waits on ends the connection, and every call rejects.
 */
export class PromiseClient {
  private readonly stream: ByteStream;
  private readonly calls = new Map<number, Call>();
  private readonly queue: (() => void)[] = [];
  private readonly msg = new Msg();
  private readonly reply = new Msg();
  private pending: Uint8Array = new Uint8Array(0);
  private writer = new Writer(new Uint8Array(MIN_MSIZE));
  private nextTag = 0;
  private failure: Error | undefined;
  msize = MIN_MSIZE;

  constructor(stream: ByteStream) {
    this.stream = stream;
    stream.on('data', (bytes) => this.take(bytes));
    // A stream that may be half open says only that its other side has ended.
    for (const event of ['end', 'close'] as const)
      stream.on(event, () => this.fail('the server closed the connection', ENOTCONN));
    stream.on('error', (error) => this.fail(printable(error.message), ENOTCONN));
  }

  /** Tversion. Rejects with NinefoldError NOT_9P when the server does not speak 9P2000.L. */
  async version(msize = MAX_MSIZE): Promise<void> {
    this.writer = new Writer(new Uint8Array(msize));
    this.msize = msize;
    const name = new TextEncoder().encode(VERSION);
    const got = await this.call(
      T.version,
      (m) => {
        m.msize = msize;
        m.name.set(name, 0, name.length);
      },
      (m) => ({ msize: m.msize, version: m.name.text() }),
    );
    if (got.version !== VERSION || got.msize < MIN_MSIZE || got.msize > msize) {
      this.fail(`it answered version ${printable(got.version)} and msize ${got.msize}`, EPROTO);
      throw this.failure ?? new Error('unreachable');
    }
    this.msize = got.msize;
  }

  /** Bytes of one read or write. */
  get chunk(): number {
    return this.msize - IOHDRSZ;
  }

  /** One request: `fill` sets its fields, `read` takes what it wants from the reply (spans must be copied). Rejects with P9Error on Rlerror. */
  async call<R>(type: number, fill: (m: Msg) => void, read: (m: Msg) => R): Promise<R> {
    if (this.calls.size >= MAX_TAGS) await new Promise<void>((resolve) => this.queue.push(resolve));
    if (this.failure !== undefined) throw this.failure;
    const { msg, writer } = this;
    fill(msg);
    msg.type = type;
    msg.tag = type === T.version ? NOTAG : this.freeTag();
    writer.at(0, Math.min(writer.buf.length, this.msize));
    const size = encode(writer, msg);
    if (size < 0) throw new P9Error(nameOf(type), EINVAL);
    const { tag } = msg;
    return new Promise<R>((resolve, reject) => {
      this.calls.set(tag, { type, read, resolve: resolve as (value: never) => void, reject });
      this.stream.write(writer.buf.slice(0, size));
    });
  }

  /** The end first, so that the other side of a stream in memory hears of it; one that takes nothing any more is not waited for long. */
  close(): void {
    if (this.failure !== undefined) return;
    const { stream } = this;
    this.reject('closed by this side', ENOTCONN);
    const over = (): void => {
      clearTimeout(timer);
      stream.destroy();
    };
    const timer = setTimeout(over, CLOSE_MS);
    stream.end(over);
  }

  private freeTag(): number {
    while (this.calls.has(this.nextTag)) this.nextTag = (this.nextTag + 1) % MAX_TAGS;
    const tag = this.nextTag;
    this.nextTag = (tag + 1) % MAX_TAGS;
    return tag;
  }

  private take(bytes: Uint8Array): void {
    if (this.failure !== undefined) return;
    const all = this.pending.length === 0 ? bytes : joined(this.pending, bytes);
    const dv = new DataView(all.buffer, all.byteOffset, all.byteLength);
    const reader = new Reader(all);
    let pos = 0;
    for (;;) {
      const size = frameSize(dv, pos, all.length, this.msize);
      if (size === NEED_MORE) break;
      if (size === BAD_FRAME) return this.fail('it sent a message of an impossible size', EPROTO);
      reader.at(pos, pos + size);
      if (!this.answer(reader)) return;
      pos += size;
    }
    this.pending = all.slice(pos);
    if (this.pending.length > this.msize + HEADER) this.fail('it sent more than was agreed', EPROTO);
  }

  private answer(reader: Reader): boolean {
    const m = this.reply;
    const code = decode(reader, m);
    const call = this.calls.get(m.tag);
    if (call === undefined) {
      this.fail(`it answered tag ${m.tag}, which nobody asked`, EPROTO);
      return false;
    }
    if (code !== DECODED || (m.type !== call.type + 1 && m.type !== RLERROR)) {
      this.fail(`its answer to ${nameOf(call.type)} is malformed or of another type`, EPROTO);
      return false;
    }
    this.calls.delete(m.tag);
    this.queue.shift()?.();
    if (m.type === RLERROR)
      call.reject(new P9Error(nameOf(call.type), m.ecode > 0 && m.ecode < 4096 ? m.ecode : EIO));
    else call.resolve(call.read(m) as never);
    return true;
  }

  private fail(why: string, errno: number): void {
    if (this.failure !== undefined) return;
    this.reject(why, errno);
    this.stream.destroy();
  }

  private reject(why: string, errno: number): void {
    this.failure = new NinefoldError({
      code: errno === EPROTO ? 'NOT_9P' : 'CONNECTION_LOST',
      exit: errno === EPROTO ? EXIT.protocol : EXIT.unavailable,
      what: 'cannot talk to',
      on: 'the 9P server',
      why,
      remedy: errno === EPROTO ? 'check that a 9P2000.L server is at the other end' : 'connect again',
    });
    for (const call of this.calls.values()) call.reject(this.failure);
    this.calls.clear();
    for (const resume of this.queue.splice(0)) resume();
  }
}

const nameOf = (type: number): string => BY_TYPE[type]?.name ?? `message ${type}`;

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
