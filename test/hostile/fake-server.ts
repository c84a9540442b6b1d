// SPDX-License-Identifier: MIT
// A 9P server of a handful of objects in memory, whose every reply a test may bend before it is sent.

import type { Socket } from 'node:net';
import { EBADF, ENOENT, ENOTDIR, EOPNOTSUPP } from '../../src/base/errno.ts';
import { DECODED, decode } from '../../src/p9/codec.ts';
import { Reader } from '../../src/p9/coder.ts';
import { GETATTR_BASIC, QTDIR, QTSYMLINK } from '../../src/p9/constants.ts';
import { RLERROR, T } from '../../src/p9/messages.ts';
import { Msg } from '../../src/p9/msg.ts';

export interface Thing {
  path: number;
  /** st_mode with its type. */
  mode: number;
  data: Buffer;
  names?: Map<string, Thing>;
}

/** A reply before it is framed. */
export interface Bend {
  type: number;
  tag: number;
  body: Buffer;
}

/**
 * Looks at each reply and may change it, or give several, or none. `m` is the request, `thing` what its fid names. Returning undefined leaves the reply as it is.
 */
export type Bender = (reply: Bend, m: Msg, thing: Thing | undefined) => Bend[] | undefined;

export function file(path: number, data: string, mode = 0o100644): Thing {
  return { path, mode, data: Buffer.from(data) };
}
export function folder(path: number, names: Record<string, Thing>): Thing {
  return { path, mode: 0o040755, data: Buffer.alloc(0), names: new Map(Object.entries(names)) };
}

/** u8, u16 …: a body from numbers (little-endian, by width), buffers and strings (with their length). */
export function bytes(...parts: (readonly [8 | 16 | 32 | 64, number | bigint] | Buffer | string)[]): Buffer {
  return Buffer.concat(
    parts.map((p) => {
      if (Buffer.isBuffer(p)) return p;
      if (typeof p === 'string') return Buffer.concat([bytes([16, Buffer.byteLength(p)]), Buffer.from(p)]);
      const [width, value] = p;
      const b = Buffer.alloc(8);
      b.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
      return b.subarray(0, width / 8);
    }),
  );
}

export function qid(t: Thing): Buffer {
  const kind = t.mode & 0o170000;
  return bytes([8, kind === 0o040000 ? QTDIR : kind === 0o120000 ? QTSYMLINK : 0], [32, 7], [64, t.path]);
}

/** Body of Rgetattr. */
export function attr(t: Thing, size: number | bigint = t.data.length): Buffer {
  const head = bytes(
    [64, GETATTR_BASIC],
    qid(t),
    [32, t.mode],
    [32, 0],
    [32, 0],
    [64, 1],
    [64, 0],
    [64, size],
  );
  const times = Buffer.alloc(8 * 8);
  for (let i = 0; i < 3; i++) times.writeUInt32LE(1_700_000_000, i * 16);
  return Buffer.concat([head, bytes([64, 4096], [64, 8]), times, bytes([64, 0], [64, 0])]);
}

/** An entry of Rreaddir. */
export function dirent(t: Thing, offset: number, name: Buffer | string): Buffer {
  const n = typeof name === 'string' ? Buffer.from(name) : name;
  return Buffer.concat([qid(t), bytes([64, offset], [8, t.mode >>> 12], [16, n.length]), n]);
}

export function error(tag: number, errno: number): Bend {
  return { type: RLERROR, tag, body: bytes([32, errno]) };
}

export class FakeServer {
  readonly root: Thing;
  /** Set after the attach, so that a session begins well. */
  bend: Bender | undefined;
  /** Bytes for the socket instead of a framed reply. */
  raw: ((reply: Bend, m: Msg) => Buffer | undefined) | undefined;
  /** Of Tversion; `9P2000.L` makes the client work step by step. */
  version = '9P2000.L.ninefold';
  private readonly fids = new Map<number, Thing>();
  private readonly socket: Socket;
  private input = Buffer.alloc(0);

  constructor(socket: Socket, root: Thing) {
    this.socket = socket;
    this.root = root;
    socket.on('error', () => {});
    socket.on('data', (d) => this.take(d));
  }

  close(): void {
    this.socket.destroy();
  }

  /** True: nothing more is taken from the socket, so that its buffers fill. */
  set deaf(on: boolean) {
    if (on) this.socket.pause();
    else this.socket.resume();
  }

  /** Sends bytes now. */
  say(data: Buffer): void {
    this.socket.write(data);
  }

  private dripping = Promise.resolve();

  /** Sends bytes one by one, each in a trip of the event loop of its own. */
  drip(data: Buffer): void {
    this.dripping = this.dripping.then(async () => {
      for (const b of data) {
        this.socket.write(Buffer.from([b]));
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    });
  }

  private take(d: Buffer): void {
    this.input = Buffer.concat([this.input, d]);
    while (this.input.length >= 7) {
      const size = this.input.readUInt32LE(0);
      if (this.input.length < size) return;
      const m = new Msg();
      const r = new Reader(Uint8Array.from(this.input.subarray(0, size)));
      r.at(0, size);
      const good = decode(r, m) === DECODED;
      this.input = this.input.subarray(size);
      const thing = this.fids.get(m.fid);
      const reply = good ? this.answer(m) : error(m.tag, EOPNOTSUPP);
      const raw = this.raw?.(reply, m);
      if (raw !== undefined) this.socket.write(raw);
      else for (const b of this.bend?.(reply, m, thing) ?? [reply]) this.socket.write(frame(b));
    }
  }

  private answer(m: Msg): Bend {
    const ok = (body: Buffer): Bend => ({ type: m.type + 1, tag: m.tag, body });
    const thing = this.fids.get(m.fid);
    if (m.type === T.version) return ok(bytes([32, Math.min(m.msize, 65560)], this.version));
    if (m.type === T.attach) {
      this.fids.set(m.fid, this.root);
      return ok(qid(this.root));
    }
    if (m.type === T.flush) return ok(Buffer.alloc(0));
    if (thing === undefined) return error(m.tag, EBADF);
    switch (m.type) {
      case T.walk: {
        let at = thing;
        const qids: Buffer[] = [];
        for (let i = 0; i < m.nwname; i++) {
          const next = at.names?.get(m.names[i]?.text() ?? '');
          if (next === undefined) {
            return i === 0
              ? error(m.tag, at.names === undefined ? ENOTDIR : ENOENT)
              : ok(bytes([16, i], ...qids));
          }
          at = next;
          qids.push(qid(at));
        }
        this.fids.set(m.newfid, at);
        return ok(bytes([16, m.nwname], ...qids));
      }
      case T.getattr:
        return ok(attr(thing));
      case T.lopen:
        return ok(bytes(qid(thing), [32, 0]));
      case T.read: {
        const part = thing.data.subarray(Number(m.offset), Number(m.offset) + m.count);
        return ok(bytes([32, part.length], part));
      }
      case T.write:
        return ok(bytes([32, m.data.len]));
      case T.readlink:
        return ok(bytes(thing.data.toString()));
      case T.readdir: {
        const names = [...(thing.names ?? [])].slice(Number(m.offset));
        const all = Buffer.concat(names.map(([n, t], i) => dirent(t, Number(m.offset) + i + 1, n)));
        return ok(bytes([32, all.length], all));
      }
      case T.statfs:
        return ok(
          bytes([32, 1], [32, 4096], [64, 9], [64, 8], [64, 7], [64, 6], [64, 5], [64, 4], [32, 255]),
        );
      case T.clunk:
        this.fids.delete(m.fid);
        return ok(Buffer.alloc(0));
      case T.setattr:
      case T.fsync:
      case T.unlinkat:
        return ok(Buffer.alloc(0));
      default:
        return error(m.tag, EOPNOTSUPP);
    }
  }
}

export function frame(b: Bend): Buffer {
  return Buffer.concat([bytes([32, b.body.length + 7], [8, b.type], [16, b.tag]), b.body]);
}
