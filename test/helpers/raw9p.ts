// SPDX-License-Identifier: MIT

import type { Socket } from 'node:net';
import { BAD_FRAME, decode, encode, frameSize, NEED_MORE } from '../../src/p9/codec.ts';
import { Reader, Writer } from '../../src/p9/coder.ts';
import { NOFID, NOTAG, VERSION } from '../../src/p9/constants.ts';
import { BY_TYPE, RLERROR, T } from '../../src/p9/messages.ts';
import { Msg } from '../../src/p9/msg.ts';

/** A server that says nothing for so long has hung. */
const SILENCE_MS = Number(process.env.NINEFOLD_SILENCE_MS ?? 30_000);

/** A reply, with everything that its message carries copied out. */
export interface Reply {
  readonly type: number;
  readonly tag: number;
  /** 0, or the errno of Rlerror. */
  readonly errno: number;
  readonly msg: Msg;
  /** Rread and Rreaddir data, copied. */
  readonly data: Uint8Array;
}

/** What the fields of a request are set from: numbers and qids by name, strings and names as text or bytes. */
export type Fields = Partial<Record<'name' | 'name2' | 'data', string | Uint8Array>> & {
  names?: readonly (string | Uint8Array)[];
  attr?: Partial<Msg['attr']>;
} & { [K in NumberField]?: Msg[K] };
type NumberField = {
  [K in keyof Msg]: Msg[K] extends number | bigint ? K : never;
}[keyof Msg];

const bytesOf = (s: string | Uint8Array): Uint8Array =>
  typeof s === 'string' ? new TextEncoder().encode(s) : s;

/**
 * A 9P client that says exactly what a test tells it to, right or wrong: requests by field, or raw bytes; replies in the order in which they come.
 */
export class Raw9p {
  readonly socket: Socket;
  private readonly out = new Uint8Array(2 * 1024 * 1024);
  private buffered = Buffer.alloc(0);
  private readonly waiters: ((r: Reply | undefined) => void)[] = [];
  private readonly replies: Reply[] = [];
  closed = false;
  private nextTag = 1;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.take(chunk));
    const gone = (): void => {
      this.closed = true;
      for (const w of this.waiters.splice(0)) w(undefined);
    };
    socket.on('close', gone);
    socket.on('end', gone);
    socket.on('error', gone);
  }

  private take(chunk: Buffer): void {
    this.buffered = Buffer.concat([this.buffered, chunk]);
    for (;;) {
      const dv = new DataView(this.buffered.buffer, this.buffered.byteOffset, this.buffered.length);
      const size = frameSize(dv, 0, this.buffered.length, 0xffffffff);
      if (size === NEED_MORE) return;
      if (size === BAD_FRAME) throw new Error('the server sent a frame without a size');
      const frame = new Uint8Array(this.buffered.subarray(0, size));
      this.buffered = this.buffered.subarray(size);
      const msg = new Msg();
      const r = new Reader(frame);
      r.at(0, size);
      const code = decode(r, msg);
      if (code !== 0) throw new Error(`the server's reply of type ${msg.type} does not decode (${code})`);
      const reply: Reply = {
        type: msg.type,
        tag: msg.tag,
        errno: msg.type === RLERROR ? msg.ecode : 0,
        msg,
        data: msg.data.copy(),
      };
      const w = this.waiters.shift();
      if (w !== undefined) w(reply);
      else this.replies.push(reply);
    }
  }

  /** The next reply of any tag; undefined when the server closed. */
  next(): Promise<Reply | undefined> {
    const r = this.replies.shift();
    if (r !== undefined) return Promise.resolve(r);
    if (this.closed) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no reply for ${SILENCE_MS / 1000} s`)), SILENCE_MS);
      this.waiters.push((r) => {
        clearTimeout(timer);
        resolve(r);
      });
    });
  }

  /** Encodes one request; `tag` defaults to the next free one. */
  frame(type: number, fields: Fields, tag = this.nextTag++ & 0x7fff): Uint8Array {
    const m = new Msg();
    const { name, name2, data, names, attr, ...numbers } = fields;
    Object.assign(m, numbers);
    m.type = type;
    m.tag = tag;
    if (attr !== undefined) Object.assign(m.attr, attr);
    for (const [span, value] of [
      [m.name, name],
      [m.name2, name2],
      [m.data, data],
    ] as const) {
      const b = bytesOf(value ?? '');
      span.set(b, 0, b.length);
    }
    (names ?? []).forEach((n, i) => {
      const b = bytesOf(n);
      m.names[i]?.set(b, 0, b.length);
    });
    if (names !== undefined && numbers.nwname === undefined) m.nwname = names.length;
    const w = new Writer(this.out);
    const size = encode(w, m);
    if (size < 0) throw new Error(`${BY_TYPE[type]?.name} does not fit`);
    return this.out.slice(0, size);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** One request, one reply. Rejects when the server closes instead. */
  async call(type: number, fields: Fields): Promise<Reply> {
    this.send(this.frame(type, fields));
    const r = await this.next();
    if (r === undefined) throw new Error(`the server closed instead of answering ${BY_TYPE[type]?.name}`);
    return r;
  }

  async version(msize = 65536, version = VERSION): Promise<Reply> {
    this.send(this.frame(T.version, { msize, name: version }, NOTAG));
    return (await this.next()) as Reply;
  }

  /** Tversion and Tattach: fid 0 is the root. */
  async attach(uid = process.getuid?.() ?? 0, fid = 0): Promise<Reply> {
    if (fid === 0) await this.version();
    return this.call(T.attach, { fid, afid: NOFID, name: '', name2: '', nuname: uid });
  }

  walk(fid: number, newfid: number, ...names: (string | Uint8Array)[]): Promise<Reply> {
    return this.call(T.walk, { fid, newfid, names });
  }

  close(): void {
    this.socket.destroy();
  }
}
