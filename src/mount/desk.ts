// SPDX-License-Identifier: MIT

import { ESTALE } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { objects } from '../base/objects.ts';
import type { Sys } from '../base/sys.ts';
import { InHeader, OUT_HEADER, putEntryOut, putOutHeader } from '../fuse-abi/index.ts';
import type { Session } from '../p9-client/index.ts';
import { OpensAhead } from './ahead.ts';
import { Attrs } from './attrs.ts';
import { CachePolicy } from './cache-policy.ts';
import { Clunks } from './clunks.ts';
import { Fids } from './fids.ts';
import { Fills, type IsOwnThread, type ListFolder } from './fill.ts';
import { Handles } from './handle.ts';
import type { Node } from './node.ts';
import { Nodes } from './nodes.ts';
import type { Op } from './op.ts';
import type { MountLog, MountOptions } from './options.ts';
import { doubt } from './prefetch.ts';
import { RecentFolders } from './recent-folders.ts';
import type { MountStats } from './stats.ts';
import { WalkAhead } from './walk-ahead.ts';
import { Watching } from './watching.ts';

/** Room for `struct fuse_in_header`, the longest struct, two names, and then some: what a request has beside its data. */
const REQUEST_SLACK = 16384;

export interface EngineParts {
  sys: Sys;
  fuseFd: number;
  readFd: number;
  writeFd: number;
  session: Session;
  options: MountOptions;
  log: MountLog;
  stats: MountStats;
  /** Undefined: the kernel asks for each name. */
  list?: ListFolder | undefined;
  isOwnThread?: IsOwnThread | undefined;
}

/** What a mount knows, and how it answers the kernel. The engine adds the loop and the server's side. */
export class Desk {
  readonly sys: Sys;
  readonly options: MountOptions;
  readonly session: Session;
  readonly stats: MountStats;
  readonly policy: CachePolicy;
  readonly nodes: Nodes;
  readonly handles = new Handles();
  readonly fids: Fids;
  readonly attrs: Attrs;
  /** The kernel's request at hand, whole. */
  readonly request: Mem;
  readonly requestText: Buffer;
  readonly header = new InHeader();
  /** Where replies to the kernel are made, header first. */
  readonly out: Mem;
  /** The server has Treaddirplus and Tlookup. */
  canReaddirplus = false;
  /** A name that cannot be was listed, and told of. */
  badNameSeen = false;
  /** The server said that it has no Tunlinkat, or no Trenameat. */
  noUnlinkat = false;
  noRenameat = false;
  readonly recent = new RecentFolders();
  readonly watching: Watching;
  readonly ahead = new OpensAhead();
  readonly walk = new WalkAhead();
  readonly fills: Fills;
  readonly clunks = new Clunks();
  /** When a name was last given or taken through this mount (ms): a file of several names may have been told of under another. */
  linksChangedAt = -1;
  /** Opens that the server has granted and whose bytes have not come yet. */
  readonly openedEarly = objects<Op>();
  contentTimer: NodeJS.Timeout | undefined;
  /** Namespaces of extended attributes that the server said it does not have. */
  readonly missingNamespaces = new Set<string>();
  /** Who holds our locks, as other clients see it. */
  readonly clientName: string;
  nextProcId = 1;
  /** Called once the kernel has been told how things stand: from now on the mount answers. */
  ready: () => void = () => {};
  /** Milliseconds, as of the present turn. */
  now = 0;
  /** All ops ever made, for the rare look at those under way. */
  readonly ops = objects<Op>();
  protected readonly fuseFd: number;
  private readonly log: MountLog;
  private readonly pollfd: Mem;
  private warned = 0;

  constructor(how: EngineParts) {
    const { sys, session, options } = how;
    this.sys = sys;
    this.session = session;
    this.options = options;
    this.log = how.log;
    this.stats = how.stats;
    this.fuseFd = how.fuseFd;
    this.pollfd = sys.alloc(8);
    this.clientName = options.clientName;
    this.canReaddirplus = session.ordered && session.extended;
    this.policy = new CachePolicy(options.times);
    this.watching = new Watching(this.canReaddirplus && options.times.entryMs > 0);
    this.nodes = new Nodes(session.root.pathLo, session.root.pathHi);
    this.nodes.root.fid = session.rootFid;
    this.fids = new Fids(options.maxIdleFids);
    this.fills = new Fills(how.list, how.isOwnThread);
    this.attrs = new Attrs(options.owners);
    this.request = sys.alloc(options.maxWrite + REQUEST_SLACK);
    this.requestText = Buffer.from(this.request.u8.buffer, this.request.u8.byteOffset, this.request.size);
    this.out = sys.alloc(options.maxWrite + 4096);
  }

  /** The NUL-terminated strings behind a request's struct, as latin1. */
  protected takeStrings(op: Op, at: number, strings: number): boolean {
    if (strings === 0) return true;
    const { u8 } = this.request;
    const end = this.header.end;
    const first = u8.indexOf(0, at);
    if (first < 0 || first >= end) return false;
    op.name = this.requestText.toString('latin1', at, first);
    if (strings === 1) return true;
    const second = u8.indexOf(0, first + 1);
    if (second < 0 || second >= end) return false;
    op.name2 = this.requestText.toString('latin1', first + 1, second);
    return true;
  }

  /** A second node that an operation names. Undefined when there is none: answered with ESTALE. */
  second(op: Op, lo: number, hi: number): Node | undefined {
    const node = this.nodes.get(lo, hi);
    if (node === undefined) this.error(op, ESTALE);
    else {
      op.node2 = node;
      node.busy++;
    }
    return node;
  }

  /** An error, 1 … 511. */
  error(op: Op, errno: number): void {
    if (op.done) return;
    op.done = true;
    this.stats.errors++;
    if (errno === ESTALE) doubt(op.node, this.now);
    putOutHeader(this.out.dv, 0, OUT_HEADER, -errno, op.uniqueLo, op.uniqueHi);
    this.sys.write(this.fuseFd, this.out, 0, OUT_HEADER);
  }

  /** Success with `len` bytes that stand in `out` behind the header. False: the kernel did not take it, for the caller is gone. */
  answer(op: Op, len = 0): boolean {
    if (op.done) return false;
    op.done = true;
    putOutHeader(this.out.dv, 0, OUT_HEADER + len, 0, op.uniqueLo, op.uniqueHi);
    return this.sys.write(this.fuseFd, this.out, 0, OUT_HEADER + len) >= 0;
  }

  /** Success with `len` bytes of `mem` at `at`; the 16 bytes before them are overwritten. */
  answerWith(op: Op, mem: Mem, at: number, len: number): boolean {
    if (op.done) return false;
    op.done = true;
    putOutHeader(mem.dv, at - OUT_HEADER, OUT_HEADER + len, 0, op.uniqueLo, op.uniqueHi);
    return this.sys.write(this.fuseFd, mem, at - OUT_HEADER, OUT_HEADER + len) >= 0;
  }

  /** A message to the kernel that answers no request, ready at `at`. 0 or -errno. */
  notify(mem: Mem, at: number, len: number): number {
    const n = this.sys.write(this.fuseFd, mem, at, len);
    return Math.min(n, 0);
  }

  /** Writes the entry of `node` with `attrs` at `at` and counts one more lookup. `since`: when the server was asked, ms. */
  putEntry(dv: DataView, at: number, node: Node, since = this.now): void {
    const { policy, now } = this;
    const entryMs = Math.max(0, policy.entryLeft(since, now));
    const attrMs = Math.max(0, policy.attrLeft(since, now));
    putEntryOut(dv, at, node.id, node.generation, entryMs, attrMs, this.attrs.fuse);
    node.nlookup++;
  }

  /** True once the kernel has taken the mount away: what a read of the device would tell, while none is done. */
  deviceGone(): boolean {
    const { dv } = this.pollfd;
    dv.setInt32(0, this.fuseFd, true);
    dv.setUint32(4, 0, true);
    return this.sys.poll(this.pollfd, 1, 0) > 0;
  }

  /** For when the loop has ended. */
  stopTimers(): void {
    clearTimeout(this.contentTimer);
    this.ahead.stop();
    this.fills.stop();
    this.clunks.stop();
  }

  /** A warning, at most some ten for a mount. */
  warn(line: string): void {
    this.warned++;
    if (this.warned <= 10) this.log('warn', line);
    if (this.warned === 10) this.log('warn', 'more of these are not shown');
  }
}
