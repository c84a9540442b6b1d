// SPDX-License-Identifier: MIT

import { EDQUOT, EEXIST, EINVAL, ENAMETOOLONG, EPROTO, EREMOTEIO } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, StatBuf } from '../base/stat.ts';
import type { Sys } from '../base/sys.ts';
import {
  ANSWER_SIZE,
  beginning,
  checkName,
  checkTarget,
  decodeHeader,
  encodeAnswer,
  encodeResult,
  FILELEN_MAX,
  FREE,
  GREETING,
  GREETING_SIZE,
  HEADER_SIZE,
  Header,
  LEGAL_EOF,
  MAX_PATH_LENGTH,
  MAY_REPLACE,
  NONCE_SIZE,
  NSEC_MAX,
  OP_ASK,
  OP_HELLO,
  OP_REPLACE,
  OP_RESUME,
  type PathRules,
} from '../qfile/index.ts';
import { Parts } from './conflicts.ts';
import { EarlySync } from './early.ts';
import { Folders } from './folders.ts';
import { Input } from './input.ts';
import { Places } from './places.ts';
import { NewFile, Store } from './store.ts';

export interface ReceiveOptions {
  readonly sys: Sys;
  readonly readFd: number;
  readonly writeFd: number;
  /** The incoming folder, opened for reading. */
  readonly rootFd: number;
  readonly rules: PathRules;
  /** Permission bits that a file or folder may get. */
  readonly modeMask: number;
  /** Bytes of files and link targets, and items, of the whole transfer. Infinity = no limit. */
  readonly maxBytes: number;
  readonly maxItems: number;
  /** Waits until a file fits and so many bytes stay free; 0 = does not look. */
  readonly keepFree: number;
  /** How long to wait for that. Then -ENOSPC. */
  readonly spacePatienceMs: number;
  /** -ETIMEDOUT after so long a silence of the sender; 0 = wait for ever. */
  readonly idleMs: number;
  /** A pipe whose end means that this transfer is to end, too (ECANCELED); -1 = none. */
  readonly aliveFd: number;
  /**
   * Lets a sender that knows our extension ask which names are taken, and keeps the beginnings of files that were cut: what it learns so of the folder is its price.
   * `replace`: it may have files replaced, too. undefined: as the original.
   */
  readonly conflicts?: { readonly replace: boolean };
  /** Each name of what is no folder, when it is there. */
  readonly received?: (name: Uint8Array) => void;
}

export interface Received {
  /** 0, an errno, LEGAL_EOF; what the sender was told. */
  readonly error: number;
  /** false: the sender was told nothing (as the original does for impossible times). */
  readonly answered: boolean;
  /** What the error is about. */
  readonly lastName: Uint8Array | undefined;
  readonly items: number;
  readonly bytes: number;
}

/** A time that no clock shows: the transfer ends without a result. */
const BAD_TIME = -1;
const NONE = new Uint8Array(0);

/**
 * One transfer into a folder. Every check is made in the order of the original: name, type, place, size, and for a link its target; every
 * component of a name is opened without following links, from the incoming folder on, for each item anew. A file has no name until it is whole and has
 * its mode and times; nothing is ever replaced. The success is told after everything is on the disk.
 */
export class Receiver {
  private readonly options: ReceiveOptions;
  private readonly input: Input;
  private readonly places: Places;
  private readonly folders: Folders;
  private readonly store: Store;
  private readonly header = new Header();
  private readonly target;
  private readonly stat: StatBuf;
  private lastName: Uint8Array | undefined = NONE;
  private items = 0;
  private bytes = 0;
  /** The upper half of the present header's mode: what the extension says in it. */
  private op = 0;
  private extended = false;
  /** After a greeting: what the sender must begin anew with. Until that has come, nothing that comes is a header. */
  private awaited: Uint8Array | undefined;
  private readonly parts: Parts;
  private readonly early: EarlySync;

  constructor(options: ReceiveOptions) {
    this.options = options;
    const { sys, rootFd } = options;
    this.input = new Input(sys, options.readFd, options.idleMs, options.aliveFd);
    this.places = new Places(sys, rootFd);
    this.folders = new Folders(sys, this.places, options.modeMask);
    this.store = new Store(options);
    this.parts = new Parts(sys);
    this.early = new EarlySync(sys, rootFd);
    this.target = sys.alloc(MAX_PATH_LENGTH);
    this.stat = new StatBuf(sys.alloc(256));
  }

  /** Reads to the end, and answers. */
  run(): Received {
    const error = this.receive();
    this.early.close();
    const answered = error !== BAD_TIME;
    if (answered) this.answer(error);
    return {
      error: answered ? error : EINVAL,
      answered,
      lastName: this.lastName,
      items: this.items,
      bytes: this.bytes,
    };
  }

  private receive(): number {
    const { input, header } = this;
    for (;;) {
      const r = input.need(HEADER_SIZE);
      if (r < 0) return -r;
      if (r === 0) return this.blame(EREMOTEIO);
      if (this.awaited !== undefined) {
        if (!this.isAwaited(this.awaited)) return this.blame(EPROTO);
        continue;
      }
      decodeHeader(input.mem.dv, input.start, header);
      input.start += HEADER_SIZE;
      this.op = header.mode >>> 16;
      header.mode &= 0xffff;
      if (header.namelen === 0) return 0 - this.options.sys.syncfs(this.options.rootFd);
      const error = this.item();
      if (error !== 0) return error;
      this.early.look(this.items, this.bytes);
    }
  }

  /** One item, up to the last byte of its data. 0, a positive error, or BAD_TIME. */
  private item(): number {
    const { input, header, options } = this;
    if (++this.items > options.maxItems) return EDQUOT;
    if (header.namelen > MAX_PATH_LENGTH - 1) {
      this.lastName = undefined;
      return ENAMETOOLONG;
    }
    const r = input.need(header.namelen);
    if (r <= 0) {
      this.lastName = undefined;
      return r === 0 ? LEGAL_EOF : -r;
    }
    const { u8 } = input.mem;
    const from = input.start;
    const to = from + header.namelen - (u8[from + header.namelen - 1] === 0 ? 1 : 0);
    input.start = from + header.namelen;
    const type = header.mode & S_IFMT;
    // The name must outlive the buffer only where data follows, or where it is to be told.
    this.places.set(u8, from, to);
    if (type !== S_IFREG && type !== S_IFDIR && type !== S_IFLNK) return this.blame(EINVAL);
    const depth = checkName(u8, from, to, options.rules);
    if (options.conflicts !== undefined) {
      if (this.op === OP_HELLO && this.items === 1 && !this.extended)
        return this.greet(options.conflicts.replace);
      if (this.op === OP_ASK && this.extended) return this.question(depth);
    }
    // A link is judged when its target is here, as in the original.
    if (type === S_IFLNK) return this.link(depth);
    if (depth < 0) return this.blame(-depth);
    const timed = header.atimeNsec <= NSEC_MAX && header.mtimeNsec <= NSEC_MAX;
    const error = type === S_IFREG ? this.file(timed) : timed ? this.folders.item(header) : BAD_TIME;
    if (error !== 0 && type === S_IFDIR) this.lastName = this.places.culprit();
    else if (error === 0 && type === S_IFREG) options.received?.(this.places.copy());
    return error;
  }

  /** Takes the 32 bytes that are next, if they are those. */
  private isAwaited(bytes: Uint8Array): boolean {
    const { input } = this;
    for (let i = 0; i < HEADER_SIZE; i++) if (input.mem.u8[input.start + i] !== bytes[i]) return false;
    input.start += HEADER_SIZE;
    this.awaited = undefined;
    return true;
  }

  /**
   * The sender knows the extension, and so do we: all begins anew. What it sent to find out was no item. It may have given up waiting and go on with the bytes of a file: the number, which nobody
   * could write into one, tells.
   */
  private greet(replace: boolean): number {
    this.extended = true;
    this.items = 0;
    this.input.restart();
    const mem = this.options.sys.alloc(GREETING_SIZE);
    mem.dv.setUint32(0, GREETING, true);
    mem.dv.setUint32(4, replace ? MAY_REPLACE : 0, true);
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_SIZE));
    mem.u8.set(nonce, GREETING_SIZE - NONCE_SIZE);
    this.awaited = beginning(nonce);
    return this.say(mem);
  }

  private question(depth: number): number {
    const { places } = this;
    const mem = this.options.sys.alloc(ANSWER_SIZE);
    const parent = depth < 0 ? -1 : places.openParent();
    // Of what will be refused anyway there is nothing to tell.
    encodeAnswer(mem.dv, parent < 0 ? FREE : this.parts.look(parent, places.leaf));
    if (parent >= 0) places.closeParent(parent);
    return this.say(mem);
  }

  /** The beginning that was kept; -EINVAL if it is not what the sender takes it for. */
  private reopen(file: NewFile): number {
    const r = this.input.need(8);
    if (r <= 0) return r === 0 ? LEGAL_EOF : -r;
    const have = Number(this.input.mem.dv.getBigUint64(this.input.start, true));
    this.input.start += 8;
    const fd = this.parts.open(file.parent, this.places.leaf);
    if (fd < 0) return -fd;
    file.fd = fd;
    file.part = true;
    return this.parts.sizeOf(fd) === have ? 0 : EINVAL;
  }

  private get mayReplace(): boolean {
    return this.extended && this.op === OP_REPLACE && this.options.conflicts?.replace === true;
  }

  private say(mem: Mem): number {
    for (let at = 0; at < mem.size; ) {
      const r = this.options.sys.write(this.options.writeFd, mem, at, mem.size - at);
      if (r < 0) return -r;
      at += r;
    }
    return 0;
  }

  private blame(error: number): number {
    this.lastName = this.places.copy();
    return error;
  }

  private file(timed: boolean): number {
    const { header, places, store, input } = this;
    const parent = places.openParent();
    if (parent < 0) {
      this.lastName = places.culprit();
      return -parent;
    }
    const file = new NewFile(parent);
    const resumed = this.extended && this.op === OP_RESUME;
    let error = resumed ? this.reopen(file) : store.create(file, header.mode);
    if (error === 0) error = this.admit(parent);
    if (error === 0 && header.filelen > 0) error = store.fill(file, input, header.filelen);
    if (error === 0 && !timed) error = BAD_TIME;
    if (error === 0) error = store.publish(file, places.leaf, header, this.mayReplace);
    if (this.extended && error !== 0 && file.fd >= 0) this.parts.keep(file.fd, parent, places.leaf);
    else if (this.extended && error === 0) this.parts.drop(file.fd, parent, places.leaf);
    store.release(file);
    places.closeParent(parent);
    if (error !== 0) return this.blame(error);
    return 0;
  }

  /** Limits and space, before a byte of the data is read. */
  private admit(parent: number): number {
    const { header, options, places } = this;
    const { filelen } = header;
    if (filelen > FILELEN_MAX || filelen > options.maxBytes || this.bytes + filelen > options.maxBytes)
      return EDQUOT;
    this.bytes += filelen;
    // Of a large file it is worth to know before it has come that it cannot stay.
    if (!this.mayReplace && filelen > EARLY_LOOK && options.sys.statat(parent, places.leaf, this.stat) === 0)
      return EEXIST;
    return this.store.waitForSpace(filelen);
  }

  private link(depth: number): number {
    const { input, header, options, places } = this;
    const { filelen } = header;
    if (filelen > MAX_PATH_LENGTH - 1) return this.blame(ENAMETOOLONG);
    this.bytes += filelen;
    if (this.bytes > options.maxBytes) return this.blame(EDQUOT);
    const r = input.need(filelen);
    if (r <= 0) return this.blame(r === 0 ? LEGAL_EOF : -r);
    const { u8 } = input.mem;
    const from = input.start;
    input.start = from + filelen;
    this.target.u8.set(u8.subarray(from, from + filelen));
    this.target.u8[filelen] = 0;
    const bad = depth < 0 ? depth : checkTarget(this.target.u8, 0, filelen, depth, options.rules);
    if (bad < 0) {
      this.lastName = this.target.u8.slice(0, filelen);
      return -bad;
    }
    const parent = places.openParent();
    if (parent < 0) {
      this.lastName = places.culprit();
      return -parent;
    }
    const made = this.store.link(this.target, parent, places.leaf, this.mayReplace);
    places.closeParent(parent);
    if (made < 0) return this.blame(-made);
    options.received?.(places.copy());
    return 0;
  }

  /** Writes the result. The read end is closed first, so that a sender that is still writing looks up. */
  private answer(error: number): void {
    const { sys, readFd, writeFd } = this.options;
    if (error === 0) this.lastName = this.places.copy();
    const bytes = encodeResult({
      error,
      crc: this.input.crc,
      ...(this.lastName === undefined ? {} : { lastName: this.lastName }),
    });
    const socket = readFd === writeFd;
    if (error !== 0 && !socket) sys.close(readFd);
    const mem = sys.alloc(bytes.length);
    mem.u8.set(bytes);
    for (let at = 0; at < bytes.length; ) {
      const r = sys.write(writeFd, mem, at, bytes.length - at);
      // Whoever does not listen any more needs no answer.
      if (r <= 0) return;
      at += r;
    }
    // A socket that is closed with bytes unread is reset, and the answer may be lost with it.
    if (error !== 0 && socket) this.input.drain();
  }
}

const EARLY_LOOK = 1 << 20;
