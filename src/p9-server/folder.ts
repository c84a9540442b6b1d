// SPDX-License-Identifier: MIT

import { EBADF, EINVAL, EMFILE, EPERM, EROFS } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { StatBuf } from '../base/stat.ts';
import type { Sys } from '../base/sys.ts';
import type { Turns } from '../base/turns.ts';
import type { Writer } from '../p9/coder.ts';
import { NOFID, RREAD_HEADER } from '../p9/constants.ts';
import { T } from '../p9/messages.ts';
import type { Msg } from '../p9/msg.ts';
import type { Backend, Wire } from './backend.ts';
import type { Fid } from './fid.ts';
import { Guard } from './guard.ts';
import { HANDLERS } from './handlers/index.ts';
import { READDIR_SLACK } from './handlers/readdir.ts';
import { Identity } from './identity.ts';
import { LockTable } from './locks.ts';
import { Node } from './node.ts';
import type { OpenFile } from './open-file.ts';
import type { ServerOptions } from './options.ts';
import { DescriptorPool } from './pool.ts';
import { QidPaths } from './qid.ts';
import { SlowReads } from './slow.ts';
import { Space } from './space.ts';
import type { Stats } from './stats.ts';
import { CHANGES_REPLY, Watches } from './watches.ts';

/** The largest reply of a message that is neither Tread nor Treaddir: Rreadlink with a target of PATH_MAX. */
const SMALL_REPLY = 4352;
/** f_type of memory file systems (include/uapi/linux/magic.h). */
const TMPFS_MAGIC = 0x01021994;
const RAMFS_MAGIC = 0x858458f6;
/** Rgetlock echoes the client's id, which can have 65,535 bytes. */
const GETLOCK_REPLY = 65536 + 64;

/**
 * A real folder as a 9P tree. This object holds the state of one connection (fids, descriptors, identity, locks, scratch memory); the handlers, one
 * file per kind of message, hold the rules.
 */
export class Folder implements Backend {
  readonly ordered = true;
  readonly sys: Sys;
  readonly options: ServerOptions;
  readonly stats: Stats;
  readonly identity: Identity;
  readonly pool: DescriptorPool;
  readonly paths: QidPaths;
  readonly locks: LockTable;
  readonly slow: SlowReads;
  readonly watches: Watches;
  readonly space: Space;
  /** Undefined where the client may have all that is inside. */
  readonly guard: Guard | undefined;
  readonly fids = new Map<number, Fid>();
  readonly rootFd: number;
  private readonly denied: Set<number>;
  attaches = 0;
  xattrFids = 0;
  msize = 0;

  /** Scratch that lives for one message. */
  readonly stat: StatBuf;
  readonly nameA: Mem;
  readonly nameB: Mem;
  readonly scratch: Mem;
  readonly dents: Mem;
  readonly pair: [number, number] = [-1, -1];
  /** What `dents` holds: entries `[dentsPos, dentsEnd)` of this open folder. */
  dentsOf: OpenFile | undefined;
  dentsPos = 0;
  dentsEnd = 0;

  /** `rootFd`: O_PATH descriptor of the folder; the caller closes it after the connection's end. */
  constructor(sys: Sys, turns: Turns, rootFd: number, options: ServerOptions, stats: Stats) {
    this.sys = sys;
    this.rootFd = rootFd;
    this.options = options;
    this.stats = stats;
    this.stat = new StatBuf(sys.alloc(256));
    this.nameA = sys.alloc(4352);
    this.nameB = sys.alloc(4352);
    this.scratch = sys.alloc(4352);
    this.dents = sys.alloc(65536 + READDIR_SLACK);
    this.denied = new Set(options.deny);
    // What does the work of two messages is refused with either.
    if (options.deny.has(T.walk) || options.deny.has(T.getattr)) this.denied.add(T.lookup);
    if (options.deny.has(T.readdir) || this.denied.has(T.lookup)) this.denied.add(T.readdirplus);
    // Changes name what is in a folder.
    if (this.denied.has(T.readdirplus)) this.denied.add(T.watch);
    this.identity = new Identity(sys, options);
    this.pool = new DescriptorPool(sys, rootFd, this.identity, options.limits.descriptors);
    this.locks = new LockTable(sys, this.pool, options.readOnly);
    this.slow = new SlowReads(sys, stats, options.limits.slowBytes);
    this.slow.onRelease = () => this.pool.count(-1);
    this.space = new Space(sys, options.keepFree);
    this.watches = new Watches(sys, turns, options.limits.watches);
    const r = sys.stat(rootFd, this.stat);
    if (r < 0) throw new Error(`stat of the share's root: errno ${-r}`);
    this.paths = new QidPaths(this.stat);
    this.guard = options.except.length === 0 ? undefined : new Guard(sys, rootFd, options.except);
    // Modes come from the client, its umask already applied.
    sys.umask(0);
  }

  get hearsOthers(): boolean {
    return this.watches.hears;
  }

  need(m: Msg, msize: number): number {
    this.msize = msize;
    if (m.type === T.read || m.type === T.readdir || m.type === T.readdirplus)
      return Math.min(m.count + RREAD_HEADER, msize) + READDIR_SLACK;
    if (m.type === T.changes) return CHANGES_REPLY;
    return m.type === T.getlock ? GETLOCK_REPLY : SMALL_REPLY;
  }

  handle(m: Msg, w: Writer, wire: Wire): number {
    this.pool.begin();
    if (this.denied.has(m.type)) return this.refuse(m);
    const handler = HANDLERS[m.type];
    // Every row of the table that is a request has a handler; replies sent to a server have none.
    return handler === undefined ? -EINVAL : handler(this, m, w, wire);
  }

  /** Of a message that the owner of the share does not allow, only what every client counts on is done: Tremove ends its fid, whatever the answer. */
  private refuse(m: Msg): number {
    const fid = m.type === T.remove ? this.fids.get(m.fid) : undefined;
    if (fid !== undefined) {
      this.fids.delete(m.fid);
      this.release(fid);
    }
    return -EPERM;
  }

  /** Whether the owner of the share has said that this type of message is not for this client. */
  refuses(type: number): boolean {
    return this.denied.has(type);
  }

  reset(): void {
    for (const fid of this.fids.values()) this.release(fid);
    this.fids.clear();
    this.watches.close();
    this.xattrFids = 0;
    this.dentsOf = undefined;
  }

  /** The fid, with the thread acting as its user; undefined when there is none. */
  fid(number: number): Fid | undefined {
    const fid = this.fids.get(number);
    if (fid === undefined || this.identity.become(fid.user) < 0) return undefined;
    return fid;
  }

  /** 0 if `number` may become a new fid, else -errno. */
  mayAdd(number: number): number {
    if (number === NOFID) return -EINVAL;
    if (this.fids.has(number)) return -EBADF;
    return this.fids.size >= this.options.limits.fids ? -EMFILE : 0;
  }

  /** A descriptor of the fid's object: the open one where there is one. -errno otherwise. */
  fdOf(fid: Fid): number {
    return fid.open !== undefined ? fid.open.fd : this.pool.fd(fid.node);
  }

  /** A fid's node is named by one fid less. */
  unref(node: Node): void {
    if (--node.refs === 0) this.pool.drop(node);
  }

  /** Closes all that a fid holds; the caller takes it out of `fids`. */
  release(fid: Fid): void {
    if (fid.open !== undefined) this.closeFile(fid.open, fid);
    if (fid.xattr !== undefined) this.xattrFids--;
    this.unref(fid.node);
  }

  closeFile(file: OpenFile, fid: Fid): void {
    if (this.dentsOf === file) this.dentsOf = undefined;
    this.locks.fidClosed(fid);
    if (file.release(this.sys)) this.pool.count(-1);
    fid.open = undefined;
  }

  /** A node for a fresh O_PATH descriptor whose stat is in `this.stat`. */
  adopt(fd: number): Node {
    const node = new Node(this.stat.mode);
    this.pool.adopt(node, fd);
    return node;
  }

  /** True if the file system of `fd` keeps its data in memory, so that reading never waits (tmpfs, ramfs). */
  inMemory(fd: number): boolean {
    const r = this.sys.statfs(fd, this.scratch);
    if (r < 0) return false;
    const type = this.scratch.dv.getUint32(0, true);
    return type === TMPFS_MAGIC || type === RAMFS_MAGIC;
  }

  /** 0 if the entry `name` of the folder `dir` may be made, moved, replaced or removed. */
  mayChangeEntry(dir: number, name: Mem): number {
    return this.guard === undefined ? 0 : this.guard.change(dir, name);
  }

  /** -EROFS on a read-only share: the one gate of everything that changes it. */
  mayChange(): number {
    return this.options.readOnly ? -EROFS : 0;
  }
}
