// SPDX-License-Identifier: MIT
// The mount's engine between a kernel and a server that are both played by random numbers, in one process and without a system call.

import type { Mem } from '../../src/base/mem.ts';
import type { Sys } from '../../src/base/sys.ts';
import { IN_HEADER, OP, OUT_HEADER, SHAPE } from '../../src/fuse-abi/index.ts';
import { openSys } from '../../src/linux/index.ts';
import { Engine } from '../../src/mount/engine.ts';
import { MountStats } from '../../src/mount/index.ts';
import { mountOptions } from '../../src/mount/options.ts';
import type { Random } from '../helpers/random.ts';
import { type Asked, randomReply } from './replies.ts';

const FUSE_FD = 1_000_001;
const SERVER_FD = 1_000_002;
const EAGAIN = 11;
const MSIZE = 65_560;
const NAMES = ['a', 'file', 'dir', '..', '.', '', 'x'.repeat(255), 'y'.repeat(300), 'a/b', '\xff\xfe'];
/** The kernel never cuts these short, for it wants no answer to them; a reply to FUSE_NOTIFY_RETRIEVE comes only when that was sent. */
const NO_ANSWER = new Set<number>([OP.forget, OP.batchForget, OP.interrupt]);
const ASKED = Object.values(OP).filter((o) => o !== OP.init && o !== OP.destroy && o !== OP.notifyReply);
const MAKERS = new Set<number>([OP.lookup, OP.mkdir, OP.mknod, OP.symlink, OP.link, OP.create]);
const real = openSys();

/** What the engine did that it must not do. */
export class Wrong extends Error {}

export class FakeKernel {
  readonly engine: Engine;
  private readonly random: Random;
  private readonly requests: Buffer[] = [];
  private fromServer: Buffer = Buffer.alloc(0);
  private toServer: Buffer = Buffer.alloc(0);
  /** Requests of the engine without an answer. */
  private readonly asked: Asked[] = [];
  /** `unique` of the kernel's requests without an answer. */
  private readonly open = new Map<bigint, number>();
  private readonly nodes: bigint[] = [1n];
  private readonly handles: bigint[] = [0n];
  private unique = 2n;
  answered = 0;

  constructor(random: Random) {
    this.random = random;
    const sys: Sys = Object.assign(Object.create(real) as Sys, {
      read: (fd: number, mem: Mem, off: number, len: number) => this.read(fd, mem, off, len),
      write: (fd: number, mem: Mem, off: number, len: number) =>
        this.write(fd, Buffer.from(mem.u8.subarray(off, off + len))),
      write2: (fd: number, a: Mem, aOff: number, aLen: number, b: Mem, bOff: number, bLen: number) =>
        this.write(fd, Buffer.concat([a.u8.subarray(aOff, aOff + aLen), b.u8.subarray(bOff, bOff + bLen)])),
      poll: () => 0,
    });
    const root = { type: 0x80, version: 0, pathLo: 1, pathHi: 0 };
    this.engine = new Engine({
      sys,
      fuseFd: FUSE_FD,
      readFd: SERVER_FD,
      writeFd: SERVER_FD,
      session: { msize: MSIZE, ordered: random(3) > 0, extended: random(3) > 0, rootFid: 0, root },
      options: mountOptions(MSIZE, { clientName: 'fuzz' }),
      log: () => {},
      stats: new MountStats(),
    });
    const body = Buffer.alloc(SHAPE[OP.init]?.struct ?? 0);
    body.writeUInt32LE(7, 0);
    body.writeUInt32LE(38, 4);
    this.push(OP.init, 0n, Buffer.concat([body, Buffer.alloc(56)]));
    this.engine.onDevice();
  }

  /** A step of either side. False: the connection has ended, as it may when the server breaks the protocol. */
  step(): boolean {
    const { engine, random } = this;
    if (engine.isEnded) return false;
    if (this.asked.length === 0 || random(2) === 0) {
      this.request();
      engine.onDevice();
    } else {
      const at = random(8) === 0 ? random(this.asked.length) : 0;
      const [asked] = this.asked.splice(at, 1);
      if (asked !== undefined)
        this.fromServer = Buffer.concat([this.fromServer, randomReply(asked, random, MSIZE)]);
      engine.onReplies();
    }
    if (this.open.size > 600) throw new Wrong('more requests are under way than there are tags');
    return !engine.isEnded;
  }

  /** Ends it: whoever waits must be told. */
  end(): void {
    this.engine.end({ kind: 'disconnected', why: 'the end' });
    this.engine.interrupts.stop();
    clearTimeout(this.engine.contentTimer);
    if (this.open.size > 0) throw new Wrong(`${this.open.size} requests were never answered`);
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.random(from.length)] as T;
  }

  /** A request as the kernel would make it: a known or unknown node, struct and names of any content. */
  private request(): void {
    const { random } = this;
    const opcode = random(30) === 0 ? 53 + random(100) : this.pick(ASKED);
    const shape = SHAPE[opcode];
    const body = Buffer.alloc(shape?.struct ?? random(40));
    for (let i = 0; i < body.length; i++)
      if (random(4) === 0) body[i] = random(3) === 0 ? random(256) : random(4);
    if (body.length >= 8 && random(3) > 0)
      body.writeBigUInt64LE(random(2) === 0 ? this.pick(this.handles) : this.pick(this.nodes), 0);
    const strings: Buffer[] = Array.from({ length: shape?.strings ?? 0 }, () =>
      Buffer.from(`${this.pick(NAMES)}\0`, 'latin1'),
    );
    let whole = Buffer.concat([body, ...strings]);
    if (opcode === OP.write) {
      const size = random(5000);
      whole.writeUInt32LE(random(20) === 0 ? size + 1 : size, 16);
      whole = Buffer.concat([whole, Buffer.alloc(size, 0x61)]);
    } else if (opcode === OP.read || opcode === OP.readdir || opcode === OP.readdirplus) {
      whole.writeUInt32LE(random(70_000), 16);
    } else if (opcode === OP.batchForget) {
      const count = random(4);
      whole.writeUInt32LE(count, 0);
      const one = Buffer.alloc(16);
      one.writeBigUInt64LE(this.pick(this.nodes), 0);
      one.writeBigUInt64LE(1n, 8);
      whole = Buffer.concat([whole, ...Array.from({ length: count }, () => one)]);
    } else if (opcode === OP.interrupt && whole.length >= 8) {
      whole.writeBigUInt64LE(BigInt.asUintN(64, this.unique - 2n * BigInt(random(20))), 0);
    }
    if (random(100) === 0 && !NO_ANSWER.has(opcode)) whole = whole.subarray(0, random(whole.length + 1));
    this.push(opcode, random(20) === 0 ? BigInt(random(1000)) : this.pick(this.nodes), whole);
  }

  private push(opcode: number, node: bigint, body: Buffer): void {
    const b = Buffer.alloc(IN_HEADER + body.length);
    b.writeUInt32LE(b.length, 0);
    b.writeUInt32LE(opcode, 4);
    this.unique += 2n;
    b.writeBigUInt64LE(this.unique, 8);
    b.writeBigUInt64LE(node, 16);
    b.writeUInt32LE(this.random(3) * 1000, 24);
    b.writeUInt32LE(this.random(3) * 1000, 28);
    b.writeUInt32LE(process.pid, 32);
    body.copy(b, IN_HEADER);
    this.requests.push(b);
    if (!NO_ANSWER.has(opcode)) this.open.set(this.unique, opcode);
  }

  private read(fd: number, mem: Mem, off: number, len: number): number {
    if (fd === FUSE_FD) {
      const next = this.requests.shift();
      if (next === undefined) return -EAGAIN;
      if (next.length > len) throw new Wrong('no room for a request of the size that was agreed');
      mem.u8.set(next, off);
      return next.length;
    }
    if (this.fromServer.length === 0) return -EAGAIN;
    // In pieces of any size, as a socket gives them.
    const n = Math.min(len, this.fromServer.length, this.random(4) === 0 ? 1 + this.random(20) : 1 << 20);
    mem.u8.set(this.fromServer.subarray(0, n), off);
    this.fromServer = this.fromServer.subarray(n);
    return n;
  }

  private write(fd: number, data: Buffer): number {
    if (fd === FUSE_FD) this.answer(data);
    else this.take(data);
    return data.length;
  }

  /** What the engine tells the kernel must be well formed, and answer what was asked, once. */
  private answer(data: Buffer): void {
    if (data.length < OUT_HEADER || data.readUInt32LE(0) !== data.length)
      throw new Wrong('a reply of another length than it says');
    const unique = data.readBigUInt64LE(8);
    const error = data.readInt32LE(4);
    // A notification: its code stands where the error does.
    if (unique === 0n) return;
    const opcode = this.open.get(unique);
    if (opcode === undefined) throw new Wrong(`an answer to ${unique}, which nobody asked, or a second one`);
    this.open.delete(unique);
    this.answered++;
    if (error > 0 || error < -511) throw new Wrong(`error ${error}`);
    if (error !== 0) {
      if (data.length !== OUT_HEADER) throw new Wrong('an error with a body');
      return;
    }
    if (opcode === OP.readdir) this.listing(data, 0);
    else if (opcode === OP.readdirplus) this.listing(data, 128);
    else if (MAKERS.has(opcode)) {
      const node = data.readBigUInt64LE(OUT_HEADER);
      if (data.length !== OUT_HEADER + (opcode === OP.create ? 144 : 128))
        throw new Wrong('an entry of another length');
      // Only a lookup may find nothing and say how long that holds.
      if (node === 0n && opcode !== OP.lookup) throw new Wrong('something was made and is not there');
      this.note(node);
    }
    if (opcode === OP.open || opcode === OP.opendir) this.handles.push(data.readBigUInt64LE(OUT_HEADER));
    if (opcode === OP.create) this.handles.push(data.readBigUInt64LE(OUT_HEADER + 128));
    if (this.handles.length > 50) this.handles.splice(1, 1);
  }

  private note(node: bigint): void {
    if (node !== 0n) this.nodes.push(node);
    if (this.nodes.length > 50) this.nodes.splice(1, 1);
  }

  /** No name that a kernel must not see: empty, with a slash or a NUL, too long (CVE-2026-31694 was one that overran its cache). */
  private listing(data: Buffer, before: number): void {
    for (let pos = OUT_HEADER; pos < data.length; ) {
      if (before > 0) this.note(data.readBigUInt64LE(pos));
      const head = pos + before;
      const len = data.readUInt32LE(head + 16);
      const name = data.subarray(head + 24, head + 24 + len);
      if (len === 0 || len > 255 || name.length !== len || name.includes(0x2f) || name.includes(0))
        throw new Wrong(`the name ${JSON.stringify(name.toString('latin1'))}`);
      pos = head + ((24 + len + 7) & ~7);
    }
  }

  private take(data: Buffer): void {
    this.toServer = Buffer.concat([this.toServer, data]);
    while (this.toServer.length >= 7) {
      const size = this.toServer.readUInt32LE(0);
      if (size < 7 || size > MSIZE) throw new Wrong(`a message of ${size} bytes to the server`);
      if (this.toServer.length < size) return;
      const frame = this.toServer.subarray(0, size);
      this.asked.push({
        type: frame[4] as number,
        tag: frame.readUInt16LE(5),
        body: Buffer.from(frame.subarray(7)),
      });
      this.toServer = this.toServer.subarray(size);
    }
  }
}
