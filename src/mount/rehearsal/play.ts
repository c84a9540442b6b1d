// SPDX-License-Identifier: MIT

import type { Mem } from '../../base/mem.ts';
import type { Sys } from '../../base/sys.ts';
import { ENTRY_OUT, IN_HEADER, OP, OUT_HEADER, ROOT_ID } from '../../fuse-abi/index.ts';
import { QTDIR } from '../../p9-client/index.ts';
import { Engine } from '../engine.ts';
import type { ListFolder } from '../fill.ts';
import type { MountOptions } from '../options.ts';
import { MountStats } from '../stats.ts';
import { END_OF_FOLDER, FILES, FOLDERS, MakeBelieve, ROOT_PATH } from './server.ts';

/** What a rehearsal needs: both ends of two socket pairs, non-blocking. */
export interface RehearsalEnds {
  /** A pair that keeps messages apart (SOCK_SEQPACKET), in place of /dev/fuse: the mount's end, the kernel's end. */
  readonly device: readonly [number, number];
  /** A pair of streams: the mount's end, the server's end. */
  readonly wire: readonly [number, number];
}

const REQUEST = 8192;
const REPLY = 1 << 17;
const LISTED = 32768;
const READ = 16384;
const WRITTEN = 512;
/** Files of each folder that are opened and read. In one round of so many all are: then they are opened ahead. */
const OPENED = 2;
const ALL_OPENED = 8;

/** The round from which on another engine plays. */
const ANOTHER = 4;
/** The unique number of a request that is made alone; of several at one time it is 1 and more. */
const ALONE = 9;
const MISSING = '.gitignore';

/**
 * A mount that plays both sides to itself: a scripted kernel asks, a make-believe server of a few folders answers. Done for half a second at the most in idle
 * moments after the mount, or while a server is long in coming, so that V8 has compiled the code by the time someone uses it: the first few thousand requests cost a multiple of the later
 * ones else.
 *
 * V8 compiles for the objects and functions that it has seen, and throws the code away at the first other one. So this goes through the same `Sys` and real descriptors, and its numbers are as
 * large as real ones. (A `Sys` of our own making in its place, in memory: nearly every function was compiled, and thrown away again at the first request of the real kernel.)
 * Nothing of it touches the real mount or the real server.
 */
export class Rehearsal {
  readonly stats = new MountStats();
  private engine: Engine;
  private readonly makeEngine: (list: ListFolder) => Engine;
  private readonly sys: Sys;
  private readonly kernelFd: number;
  private readonly server: MakeBelieve;
  private readonly request: Mem;
  private readonly reply: Mem;
  /** Whom to tell that a folder has been listed which the engine wanted to have listed. */
  private readonly toList: (() => void)[] = [];
  /** Node ids of the answers at hand, of opens their handles, by the unique number of the request. */
  private readonly found: number[] = new Array(ALONE + 1).fill(0);

  /** `ends` stay the caller's to close, after `end`. */
  constructor(sys: Sys, options: MountOptions, ends: RehearsalEnds) {
    this.sys = sys;
    this.kernelFd = ends.device[1];
    this.server = new MakeBelieve(sys, ends.wire[1]);
    this.request = sys.alloc(REQUEST);
    this.reply = sys.alloc(REPLY);
    this.makeEngine = (list) => {
      const engine = new Engine({
        sys,
        fuseFd: ends.device[0],
        readFd: ends.wire[0],
        writeFd: ends.wire[0],
        session: {
          msize: 65536,
          ordered: true,
          extended: true,
          rootFid: 0,
          root: { type: QTDIR, version: 1, pathLo: ROOT_PATH, pathHi: 0 },
        },
        options,
        log: () => {},
        stats: this.stats,
        list,
      });
      // As a kernel of today says in FUSE_INIT, which is not rehearsed.
      engine.policy.writesDirectly = true;
      return engine;
    };
    this.engine = this.makeEngine((_path, done) => this.toList.push(done));
  }

  /** One round of what programs do in a folder: look up what is in it, list it, read, write, remove. */
  round(i: number): true {
    // An array is made in the form that those of its kind turned out to need: the real mount's engine is not the first either.
    if (i === ANOTHER) {
      this.end();
      this.server.forget();
      // Another function, too: a call that always went to one would be compiled for that one.
      this.engine = this.makeEngine((_path, done) => {
        this.toList.push(done);
      });
    }
    const [dir = 0] = this.lookups(ROOT_ID, [FOLDERS[i % FOLDERS.length] as string]);
    // A walk through the tree lists before it looks up.
    if (i % 3 === 1) this.list(dir, true);
    // Several threads look up names at one time, one of them in vain.
    const first = this.lookups(dir, (i & 1) === 0 ? [MISSING, ...FILES.slice(0, 3)] : FILES.slice(0, 4));
    const files = [...first.filter((id) => id !== 0)];
    for (const name of FILES.slice(4)) files.push(...this.lookups(dir, [name]));
    this.lookups(dir, [MISSING]);
    this.list(dir);
    if (i % ALL_OPENED === 4) this.list(ROOT_ID);
    const read = i % ALL_OPENED === 2 ? files : files.slice(0, OPENED);
    read.forEach((file, k) => {
      this.read(file, k % 2 === 1);
    });
    if ((i & 3) === 0) this.make(dir, `n${String.fromCharCode(0x61 + (i % 26))}`);
    for (const file of files) this.forget(file);
    this.forget(dir);
    // Nobody asks for a while.
    if (i % ALL_OPENED === 6) this.engine.turns.turnOnce(1);
    return true;
  }

  /** Ends its timers. No round is played after it. */
  end(): void {
    this.engine.end({ kind: 'unmounted' });
    this.engine.stopTimers();
  }

  /** `soon`: its entries are asked for before the server has answered the open. */
  private list(dir: number, soon = false): void {
    if (soon) {
      this.put(OP.opendir, dir, ALONE, 8);
      this.engine.turns.turnOnce(0);
      this.takeIn();
    }
    const list = soon ? (this.found[ALONE] ?? 0) : this.opened(dir, OP.opendir);
    if (!soon) this.ask(OP.getattr, dir, 16);
    this.ask(OP.readdirplus, dir, 40, (dv) => at(dv, list, 0, 0, LISTED));
    this.ask(OP.readdir, dir, 40, (dv) => at(dv, list, END_OF_FOLDER.lo, END_OF_FOLDER.hi, LISTED));
    this.ask(OP.releasedir, dir, 24, (dv) => dv.setUint32(IN_HEADER, list, true));
  }

  /** `known`: the kernel has asked for its attributes before, so that it has a fid. */
  private read(file: number, known: boolean): void {
    if (known) this.ask(OP.getattr, file, 16);
    const h = this.opened(file, OP.open);
    this.ask(OP.read, file, 40, (dv) => at(dv, h, 0, 0, READ));
    this.ask(OP.flush, file, 24, (dv) => dv.setUint32(IN_HEADER, h, true));
    this.ask(OP.release, file, 24, (dv) => dv.setUint32(IN_HEADER, h, true));
  }

  /** Makes a file, writes it and removes it. */
  private make(dir: number, name: string): void {
    this.ask(OP.create, dir, 16, (dv) => dv.setUint32(IN_HEADER, 1, true), name);
    const file = this.reply.dv.getUint32(OUT_HEADER, true);
    const h = this.reply.dv.getUint32(OUT_HEADER + ENTRY_OUT, true);
    this.ask(OP.write, file, 40, (dv) => at(dv, h, 0, 0, WRITTEN), undefined, WRITTEN);
    this.ask(OP.release, file, 24, (dv) => dv.setUint32(IN_HEADER, h, true));
    this.ask(OP.unlink, dir, 0, undefined, name);
    this.forget(file);
  }

  /** Asked for at one time. The node ids, 0 for what is not there. */
  private lookups(dir: number, names: readonly string[]): number[] {
    this.found.fill(0);
    names.forEach((name, i) => {
      this.put(OP.lookup, dir, i + 1, 0, undefined, name);
    });
    this.play();
    for (const listed of this.toList.splice(0)) {
      this.list(dir);
      listed();
      this.play();
    }
    return names.map((_, i) => this.found[i + 1] ?? 0);
  }

  private opened(node: number, opcode: number): number {
    this.ask(opcode, node, 8);
    return this.found[ALONE] ?? 0;
  }

  private forget(node: number): void {
    this.ask(OP.forget, node, 8, (dv) => dv.setUint32(IN_HEADER, 1000, true));
  }

  /** One request, to its end. The answer is in `reply` then, if no file was opened ahead. */
  private ask(
    opcode: number,
    node: number,
    body: number,
    fill?: (dv: DataView) => void,
    name?: string,
    data = 0,
  ): void {
    this.put(opcode, node, ALONE, body, fill, name, data);
    this.play();
  }

  private put(
    opcode: number,
    node: number,
    unique: number,
    body: number,
    fill?: (dv: DataView) => void,
    name?: string,
    data = 0,
  ): void {
    const { u8, dv } = this.request;
    const length = IN_HEADER + body + (name === undefined ? 0 : name.length + 1) + data;
    u8.fill(0, 0, length);
    dv.setUint32(0, length, true);
    dv.setUint32(4, opcode, true);
    dv.setUint32(8, unique, true);
    dv.setUint32(16, node, true);
    fill?.(dv);
    if (name !== undefined)
      for (let i = 0; i < name.length; i++) u8[IN_HEADER + body + i] = name.charCodeAt(i);
    this.sys.write(this.kernelFd, this.request, 0, length);
  }

  /** Turns the engine until nothing is left to do. */
  private play(): void {
    const { turns } = this.engine;
    turns.turnOnce(0);
    while (this.server.turn()) turns.turnOnce(0);
    this.takeIn();
  }

  /** Takes in what the kernel is told. */
  private takeIn(): void {
    const { sys, reply, found } = this;
    const { dv } = reply;
    // What is in a file that was opened ahead (unique 0) may come behind the answer.
    while (sys.read(this.kernelFd, reply, 0, REPLY) > 0) {
      const failed = dv.getInt32(4, true) !== 0;
      found[dv.getUint32(8, true)] = failed ? 0 : dv.getUint32(OUT_HEADER, true);
    }
  }
}

/** fh, offset and size of READ, READDIR and WRITE. */
function at(dv: DataView, fh: number, offsetLo: number, offsetHi: number, size: number): void {
  dv.setUint32(IN_HEADER, fh, true);
  dv.setUint32(IN_HEADER + 8, offsetLo, true);
  dv.setUint32(IN_HEADER + 12, offsetHi, true);
  dv.setUint32(IN_HEADER + 16, size, true);
}
