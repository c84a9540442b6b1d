// SPDX-License-Identifier: MIT

import { EAGAIN } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { S_IFDIR, S_IFREG } from '../base/stat.ts';
import type { Sys } from '../base/sys.ts';
import { IN_HEADER, OP, OUT_HEADER } from '../fuse-abi/index.ts';
import { EXT, GETATTR_BASIC, QTDIR, T } from '../p9-client/index.ts';
import { Engine } from './engine.ts';
import type { MountOptions } from './options.ts';
import { MountStats } from './stats.ts';

const FUSE_FD = -10;
const WIRE_FD = -11;
const ROOT = 1;
const FOLDER = 2;

/**
 * A mount that plays both sides to itself: a scripted kernel asks, a make-believe server of one folder answers, in memory. Done for a tenth of a second while the server is
 * being started and in idle moments after the mount, so that V8 has compiled the code by the time someone uses it: the first few thousand requests cost a multiple of the later
 * ones else.
 * Nothing of it touches the real mount, the real server or any descriptor.
 */
export class Rehearsal {
  private readonly engine: Engine;
  private readonly toKernel = new DataView(new ArrayBuffer(1 << 16));
  private readonly fromServer: Mem;
  private serverEnd = 0;
  private serverPos = 0;
  private request: { readonly bytes: Uint8Array; length: number };
  private asked = false;
  private readonly fids = new Map<number, number>([[0, ROOT]]);

  constructor(real: Sys, options: MountOptions) {
    this.fromServer = real.alloc(1 << 17);
    this.request = { bytes: new Uint8Array(8192), length: 0 };
    const sys: Sys = {
      ...real,
      read: (_fd, mem, off) => this.kernelAsks(mem, off),
      write: (fd, mem, off, len) =>
        fd === FUSE_FD ? this.kernelHears(mem, off, len) : this.serverHears(mem, off, len),
      recv: (_fd, mem, off, len) => this.serverSays(mem, off, len),
      send: (_fd, mem, off, len) => this.serverHears(mem, off, len),
      write2: (_fd, a, ao, al, b, bo, bl) => this.serverHears(a, ao, al) + this.serverHears(b, bo, bl),
    };
    this.engine = new Engine({
      sys,
      fuseFd: FUSE_FD,
      readFd: WIRE_FD,
      writeFd: WIRE_FD,
      session: {
        msize: 65536,
        ordered: true,
        extended: true,
        rootFid: 0,
        root: { type: QTDIR, version: 1, pathLo: ROOT, pathHi: 0 },
      },
      options: { ...options, maxWrite: 32768 },
      log: () => {},
      stats: new MountStats(),
    });
  }

  get stats(): MountStats {
    return this.engine.stats;
  }

  /** One round of what programs do: list, stat, read, write, remove. */
  round(i: number): void {
    const dir = this.lookup(ROOT, 'd');
    const list = this.opened(dir, OP.opendir);
    this.ask(OP.readdirplus, dir, 40, (dv) => at(dv, list, 0, 32768));
    this.ask(OP.readdir, dir, 40, (dv) => at(dv, list, 8, 32768));
    this.ask(OP.releasedir, dir, 24, (dv) => dv.setUint32(IN_HEADER, list, true));
    const file = this.lookup(dir, `f${i & 7}`);
    this.ask(OP.getattr, file, 16);
    const h = this.opened(file, OP.open);
    this.ask(OP.read, file, 40, (dv) => at(dv, h, 0, 4096));
    this.ask(OP.flush, file, 24, (dv) => dv.setUint32(IN_HEADER, h, true));
    this.ask(OP.release, file, 24, (dv) => dv.setUint32(IN_HEADER, h, true));
    this.ask(OP.create, dir, 16, (dv) => dv.setUint32(IN_HEADER, 1, true), `n${i & 7}`);
    const made = this.toKernel.getUint32(OUT_HEADER, true);
    const mh = this.toKernel.getUint32(OUT_HEADER + 128, true);
    this.ask(OP.write, made, 40, (dv) => at(dv, mh, 0, 512), undefined, 512);
    this.ask(OP.release, made, 24, (dv) => dv.setUint32(IN_HEADER, mh, true));
    this.ask(OP.unlink, dir, 0, undefined, `n${i & 7}`);
    this.ask(OP.getattr, dir, 16);
    this.forget(made);
    this.forget(file);
    this.forget(dir);
  }

  private lookup(dir: number, name: string): number {
    this.ask(OP.lookup, dir, 0, undefined, name);
    return this.toKernel.getUint32(OUT_HEADER, true);
  }

  private opened(node: number, opcode: number): number {
    this.ask(opcode, node, 8);
    return this.toKernel.getUint32(OUT_HEADER, true);
  }

  private forget(node: number): void {
    this.ask(OP.forget, node, 8, (dv) => dv.setUint32(IN_HEADER, 1000, true));
  }

  /** Gives the engine one request and turns it until nothing is left to do. */
  private ask(
    opcode: number,
    node: number,
    body: number,
    fill?: (dv: DataView) => void,
    name?: string,
    data = 0,
  ): void {
    const { bytes } = this.request;
    const length = IN_HEADER + body + (name === undefined ? 0 : name.length + 1) + data;
    bytes.fill(0, 0, length);
    const dv = new DataView(bytes.buffer);
    dv.setUint32(0, length, true);
    dv.setUint32(4, opcode, true);
    dv.setUint32(8, 2, true);
    dv.setUint32(16, node, true);
    fill?.(dv);
    if (name !== undefined)
      for (let i = 0; i < name.length; i++) bytes[IN_HEADER + body + i] = name.charCodeAt(i);
    this.request.length = length;
    this.asked = true;
    this.engine.onDevice();
    for (let i = 0; i < 4 && this.serverPos < this.serverEnd; i++) this.engine.onReplies();
  }

  private kernelAsks(mem: Mem, off: number): number {
    if (!this.asked) return -EAGAIN;
    this.asked = false;
    mem.u8.set(this.request.bytes.subarray(0, this.request.length), off);
    return this.request.length;
  }

  private kernelHears(mem: Mem, off: number, len: number): number {
    new Uint8Array(this.toKernel.buffer).set(mem.u8.subarray(off, off + Math.min(len, 512)));
    return len;
  }

  private serverSays(mem: Mem, off: number, len: number): number {
    const n = Math.min(len, this.serverEnd - this.serverPos);
    if (n === 0) return -EAGAIN;
    mem.u8.set(this.fromServer.u8.subarray(this.serverPos, this.serverPos + n), off);
    this.serverPos += n;
    if (this.serverPos === this.serverEnd) {
      this.serverPos = 0;
      this.serverEnd = 0;
    }
    return n;
  }

  private serverHears(mem: Mem, off: number, len: number): number {
    for (let p = off; p < off + len; p += mem.dv.getUint32(p, true)) this.answer(mem.dv, p);
    return len;
  }

  private answer(dv: DataView, p: number): void {
    const type = dv.getUint8(p + 4);
    const fid = dv.getUint32(p + 7, true);
    const out = this.fromServer.dv;
    const start = this.serverEnd;
    const b = start + 7;
    let end = b;
    const path = this.fids.get(fid) ?? ROOT;
    switch (type) {
      case T.walk: {
        const names = dv.getUint16(p + 15, true);
        let to = path;
        let name = p + 17;
        out.setUint16(b, names, true);
        end = b + 2;
        for (let i = 0; i < names; i++) {
          to = pathOf(dv, name);
          name += 2 + dv.getUint16(name, true);
          qid(out, end, to);
          end += 13;
        }
        this.fids.set(dv.getUint32(p + 11, true), to);
        break;
      }
      case T.lcreate:
        this.fids.set(fid, pathOf(dv, p + 11));
        qid(out, b, pathOf(dv, p + 11));
        out.setUint32(b + 13, 0, true);
        end = b + 17;
        break;
      case T.lopen:
        qid(out, b, path);
        out.setUint32(b + 13, 0, true);
        end = b + 17;
        break;
      case T.getattr:
        end = attr(out, b, path);
        break;
      case EXT.lookup:
        end = attr(out, b, pathOf(dv, p + 11));
        break;
      case EXT.readdirplus:
        end = b + 5;
        if (path === ROOT) end = entry(out, end, FOLDER, 1, 1);
        else for (let i = 0; i < 8; i++) end = entry(out, end, 0x6630 + i, i + 1, 2);
        out.setUint8(b, 1);
        out.setUint32(b + 1, end - b - 5, true);
        break;
      case T.read:
        out.setUint32(b, 100, true);
        end = b + 104;
        break;
      case T.write:
        out.setUint32(b, dv.getUint32(p + 19, true), true);
        end = b + 4;
        break;
      // Nothing ever changes here.
      case EXT.changes:
        return;
      default:
        break;
    }
    out.setUint32(start, end - start, true);
    out.setUint8(start + 4, type + 1);
    out.setUint16(start + 5, dv.getUint16(p + 5, true), true);
    this.serverEnd = end;
  }
}

/** fh, offset and size of READ, READDIR and WRITE. */
function at(dv: DataView, fh: number, offset: number, size: number): void {
  dv.setUint32(IN_HEADER, fh, true);
  dv.setUint32(IN_HEADER + 8, offset, true);
  dv.setUint32(IN_HEADER + 16, size, true);
}

/** The object of a name: `d` is the folder, each other name a file of its own. */
function pathOf(dv: DataView, p: number): number {
  const n = dv.getUint16(p, true);
  return n === 1 ? FOLDER : dv.getUint8(p + 2) * 256 + dv.getUint8(p + 3);
}

function qid(out: DataView, p: number, path: number): void {
  out.setUint8(p, path === FOLDER || path === ROOT ? QTDIR : 0);
  out.setUint32(p + 1, 5, true);
  out.setUint32(p + 5, path, true);
  out.setUint32(p + 9, 0, true);
}

function attr(out: DataView, p: number, path: number): number {
  for (let i = 0; i < 153; i++) out.setUint8(p + i, 0);
  out.setUint32(p, GETATTR_BASIC, true);
  qid(out, p + 8, path);
  out.setUint32(p + 21, path === FOLDER || path === ROOT ? S_IFDIR | 0o755 : S_IFREG | 0o644, true);
  out.setUint32(p + 33, 1, true);
  out.setUint32(p + 49, 100, true);
  return p + 153;
}

/** An entry of Rreaddirplus: `d`, or `f0` … `f7`. */
function entry(out: DataView, p: number, path: number, offset: number, nameLen: number): number {
  const q = attr(out, p, path);
  out.setUint32(q, offset, true);
  out.setUint32(q + 4, 0, true);
  out.setUint16(q + 8, nameLen, true);
  out.setUint8(q + 10, path === FOLDER ? 0x64 : path >> 8);
  if (nameLen > 1) out.setUint8(q + 11, path & 0xff);
  return q + 10 + nameLen;
}

/** Milliseconds of rehearsing in one idle moment, and altogether. */
const SLICE_MS = 4;
const TOTAL_MS = 150;

/** Rehearses in idle moments, from `start` on, until it has had its time. */
export class WarmUp {
  /** Whether nobody waits for us at this moment. While the server is being started, and before the mount is there, nobody does. */
  idle: () => boolean = () => true;
  private readonly play: Rehearsal;
  private spent = 0;
  private rounds = 0;
  private timer: NodeJS.Timeout | undefined;
  private turn: NodeJS.Immediate | undefined;

  constructor(sys: Sys, options: MountOptions) {
    this.play = new Rehearsal(sys, options);
  }

  /** Begins, or goes on; while it runs a further call changes nothing. */
  start(): void {
    if (this.spent >= TOTAL_MS || this.timer !== undefined || this.turn !== undefined) return;
    // A timer that comes due while Node runs timers is run with them; an immediate comes after everything else has had its turn.
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.turn = setImmediate(() => this.slice());
    }, 1);
  }

  stop(): void {
    this.spent = TOTAL_MS;
    clearTimeout(this.timer);
    clearImmediate(this.turn);
    this.timer = this.turn = undefined;
  }

  /** Rehearses now, for a few milliseconds, unless it has had its time. False: it has. */
  step(): boolean {
    if (this.spent >= TOTAL_MS) return false;
    const since = performance.now();
    while (performance.now() - since < SLICE_MS) this.play.round(this.rounds++);
    this.spent += performance.now() - since;
    return this.spent < TOTAL_MS;
  }

  private slice(): void {
    this.turn = undefined;
    if (this.idle()) this.step();
    else this.spent += SLICE_MS;
    this.start();
  }
}
