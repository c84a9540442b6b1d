// SPDX-License-Identifier: MIT

import { errnoName } from '../../src/base/errno.ts';
import type { Mem } from '../../src/base/mem.ts';
import { openSys } from '../../src/linux/index.ts';
import { recvWithFd } from '../../src/linux/passing.ts';
import { encode } from '../../src/proxyfs/codec.ts';
import { Writer } from '../../src/proxyfs/coder.ts';
import { FD_VALID, PROXY_HEADER, PROXY_MAX } from '../../src/proxyfs/constants.ts';
import { BY_TYPE, P, type ProxyName } from '../../src/proxyfs/messages.ts';
import { Request } from '../../src/proxyfs/request.ts';

const sys = openSys();
/** A helper that says nothing for so long has hung. */
const SILENCE_MS = Number(process.env.NINEFOLD_SILENCE_MS ?? 60_000);
const POLLIN = 1;

export type ProxyFields = Partial<Record<'path' | 'path2' | 'name' | 'value', string | Uint8Array>> & {
  [K in 'flags' | 'mode' | 'uid' | 'gid' | 'rdevLo' | 'rdevHi' | 'size']?: number;
} & { [K in 'length' | 'atimeSec' | 'atimeNsec' | 'mtimeSec' | 'mtimeNsec']?: number | bigint };

/** `errno` 0: done. */
export interface ProxyReply {
  readonly errno: number;
  /** Behind the header; copied. */
  readonly payload: Buffer;
  /** The caller's to close; -1 when none came. */
  readonly fd: number;
}

/** The peer closed, which is an answer too. */
export class Closed extends Error {}

/** One request as bytes. */
export function request(type: ProxyName, fields: ProxyFields): Uint8Array {
  const m = new Request();
  const { path, path2, name, value, ...numbers } = fields;
  Object.assign(m, numbers);
  m.type = P[type];
  for (const [span, text] of [
    [m.path, path],
    [m.path2, path2],
    [m.name, name],
    [m.value, value],
  ] as const) {
    const b = typeof text === 'string' ? new TextEncoder().encode(text) : (text ?? new Uint8Array(0));
    span.set(b, 0, b.length);
  }
  const w = new Writer(new Uint8Array(PROXY_HEADER + PROXY_MAX));
  const size = encode(w, m);
  if (size < 0) throw new RangeError(`${type} does not fit`);
  return w.buf.slice(0, size);
}

/** QEMU's side of the conversation, one request at a time, saying exactly what it is told to. It blocks the thread. */
export class RawProxy {
  readonly socket: number;
  private readonly out: Mem;
  private readonly in: Mem;
  private readonly pollfd: Mem;
  private readonly got = { fd: -1 };
  private have = 0;
  private closed = false;

  /** `socket`: a connected stream socket, closed by `close`. */
  constructor(socket: number) {
    this.socket = socket;
    this.out = sys.alloc(2 * (PROXY_HEADER + PROXY_MAX));
    this.in = sys.alloc(2 * (PROXY_HEADER + PROXY_MAX));
    this.pollfd = sys.alloc(8);
    this.pollfd.dv.setInt32(0, socket, true);
    this.pollfd.dv.setUint32(4, POLLIN, true);
  }

  send(bytes: Uint8Array): void {
    this.out.u8.set(bytes);
    for (let off = 0; off < bytes.length; ) {
      const n = sys.send(this.socket, this.out, off, bytes.length - off);
      if (n < 0) throw new Closed(`cannot send (${errnoName(n)})`);
      off += n;
    }
  }

  call(type: ProxyName, fields: ProxyFields): ProxyReply {
    this.send(request(type, fields));
    return this.reply(type);
  }

  /** The next reply, taken as the answer to a request of this type. Throws `Closed` when the helper ended instead. */
  reply(type: ProxyName): ProxyReply {
    this.got.fd = -1;
    this.have = 0;
    let fd = -1;
    const need = (n: number): void => {
      while (this.have < n) {
        this.fill(n - this.have);
        if (this.got.fd >= 0) fd = this.got.fd;
      }
    };
    const { dv, u8 } = this.in;
    if (BY_TYPE[P[type]]?.reply === 'descriptor') {
      need(4);
      const n = dv.getInt32(0, true);
      return { errno: n === FD_VALID ? 0 : -n, payload: Buffer.alloc(0), fd };
    }
    need(PROXY_HEADER);
    const size = dv.getUint32(4, true);
    need(PROXY_HEADER + size);
    const failed = dv.getUint32(0, true) !== 0;
    const payload = Buffer.from(u8.slice(PROXY_HEADER, PROXY_HEADER + size));
    return { errno: failed ? -payload.readInt32LE(0) : 0, payload, fd };
  }

  /** True once the helper closes; false when it says or does nothing for `ms`. */
  endsWithin(ms: number): boolean {
    if (this.closed) return true;
    if (sys.poll(this.pollfd, 1, ms) <= 0) return false;
    const n = recvWithFd(this.socket, this.in, 0, 1, this.got);
    return n <= 0;
  }

  private fill(most: number): void {
    const ready = sys.poll(this.pollfd, 1, SILENCE_MS);
    if (ready === 0) throw new Error(`the helper is silent for ${SILENCE_MS / 1000} s`);
    const n = recvWithFd(this.socket, this.in, this.have, most, this.got);
    if (n <= 0) {
      this.closed = true;
      throw new Closed(n === 0 ? 'the helper closed' : `cannot receive (${errnoName(n)})`);
    }
    this.have += n;
  }

  close(): void {
    sys.close(this.socket);
  }
}
