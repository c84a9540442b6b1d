// SPDX-License-Identifier: MIT

import {
  EAGAIN,
  EBADF,
  ECONNABORTED,
  EINTR,
  EIO,
  ENODEV,
  ENOENT,
  ENOSYS,
  ENOTCONN,
  ESTALE,
  errnoName,
} from '../base/errno.ts';
import { because } from '../base/error.ts';
import type { Mem } from '../base/mem.ts';
import { objects } from '../base/objects.ts';
import { POLLIN, POLLOUT } from '../base/sys.ts';
import { Turns, type Watch } from '../base/turns.ts';
import { IN_HEADER, OP, OUT_HEADER, putOutHeader, SHAPE } from '../fuse-abi/index.ts';
import {
  ALL_SENT,
  BAD_FRAME,
  Channel,
  cleanErrno,
  NEED_MORE,
  type OnReply,
  REQUEST_MAX,
  Reply,
  type Requests,
  RLERROR,
  T,
  Tags,
  typeName,
  wellFormed,
} from '../p9-client/index.ts';
import { Desk, type EngineParts } from './desk.ts';
import { Interrupts } from './interrupts.ts';
import type { Node } from './node.ts';
import { Op } from './op.ts';
import { HANDLERS, needsNode } from './ops/index.ts';

/** Requests to the server that may be under way at one time. */
const MAX_TAGS = 512;
/** One kernel request leads to at most so many messages at once; while fewer tags are free, no more are read. */
const TAGS_PER_REQUEST = 16;
/** Kernel requests taken in one turn, so that replies get their turn too. */
const REQUESTS_PER_TURN = 64;
/** How long requests are still refused one by one after the server went, before the device is given up (which refuses them all, but for a moment differently). */
const LINGER_MS = 20;

/** How a mount ended. */
export type MountEnd =
  | { readonly kind: 'unmounted' }
  | { readonly kind: 'disconnected'; readonly why: string }
  | { readonly kind: 'protocol'; readonly why: string };

/**
 * The turning loop between /dev/fuse and the 9P channel. A turn takes in what the kernel asks, writes the messages that this leads to into one block and
 * sends it; another takes in all replies that have come and answers the kernel. Operations live in ops/, one small state machine each.
 */
export class Engine extends Desk {
  readonly interrupts: Interrupts;
  readonly req: Requests;
  readonly turns: Turns;
  private readonly channel: Channel;
  private readonly tags = new Tags<Engine, Op>(MAX_TAGS);
  private readonly reply = new Reply();
  private readonly idle = objects<Op>();
  private readonly nobody = new Op();
  private readonly deviceWatch: Watch;
  private readonly readWatch: Watch;
  private readonly writeWatch: Watch;
  private ended: MountEnd | undefined;

  constructor(how: EngineParts) {
    super(how);
    const { sys, session } = how;
    this.interrupts = new Interrupts(this);
    this.channel = new Channel(sys, how.readFd, how.writeFd, session.msize);
    this.req = this.channel.requests;
    this.nobody.active = true;
    this.nobody.done = true;
    this.turns = new Turns(sys, 4, how.options.shortWaitMs);
    this.deviceWatch = { fd: how.fuseFd, events: POLLIN, turn: () => this.onDevice() };
    this.readWatch = { fd: how.readFd, events: POLLIN, turn: () => this.onReplies() };
    this.writeWatch = { fd: how.writeFd, events: 0, turn: () => this.onWritable() };
    this.turns.add(this.readWatch);
    this.turns.add(this.deviceWatch);
    this.turns.add(this.writeWatch);
  }

  /** Resolves at the end of the mount. */
  async run(): Promise<MountEnd> {
    await this.turns.run();
    this.interrupts.stop();
    this.stopTimers();
    this.stats.bytesIn = this.channel.bytesIn;
    this.stats.bytesOut = this.channel.bytesOut;
    return this.ended ?? { kind: 'unmounted' };
  }

  /** Ends the mount. Whoever waits gets ENOTCONN at once, and so do those who come in the moment before the caller closes the device. */
  end(end: MountEnd): void {
    if (this.ended !== undefined) return;
    this.ended = end;
    if (end.kind === 'unmounted') return this.turns.stop();
    for (const op of this.ops) if (op.active && !op.done) this.error(op, ENOTCONN);
    this.deviceWatch.events = POLLIN;
    this.turns.remove(this.readWatch);
    this.turns.remove(this.writeWatch);
    this.refuseAll();
    setTimeout(() => this.turns.stop(), LINGER_MS);
  }

  /** After the end: ENOTCONN to all that comes. */
  private refuseAll(): void {
    const { request, header } = this;
    for (let i = 0; i < REQUESTS_PER_TURN; i++) {
      const n = this.sys.read(this.fuseFd, request, 0, request.size);
      if (n === -EAGAIN) return;
      if (n === -ENOENT || n === -EINTR) continue;
      if (n < 0) return this.turns.stop();
      if (!header.read(request.dv, n)) continue;
      const { opcode } = header;
      if (opcode === OP.forget || opcode === OP.batchForget || opcode === OP.interrupt) continue;
      putOutHeader(this.out.dv, 0, OUT_HEADER, -ENOTCONN, header.uniqueLo, header.uniqueHi);
      this.sys.write(this.fuseFd, this.out, 0, OUT_HEADER);
    }
  }

  get isEnded(): boolean {
    return this.ended !== undefined;
  }

  // ---- the kernel's side ----

  /** A turn: what the kernel asks. */
  onDevice(): void {
    if (this.ended !== undefined) return this.refuseAll();
    this.now = performance.now();
    const { request, header } = this;
    for (let i = 0; i < REQUESTS_PER_TURN && this.mayTake(); i++) {
      const n = this.sys.read(this.fuseFd, request, 0, request.size);
      if (n < 0) {
        if (n === -EAGAIN) break;
        if (n === -ENOENT || n === -EINTR) continue;
        if (n === -ENODEV || n === -ECONNABORTED) return this.end({ kind: 'unmounted' });
        return this.end({ kind: 'disconnected', why: `reading /dev/fuse failed: ${because(n)}` });
      }
      if (header.read(request.dv, n)) this.begin();
      if (this.ended !== undefined) return;
    }
    this.settleTurn();
  }

  private mayTake(): boolean {
    return (
      this.tags.free >= TAGS_PER_REQUEST &&
      !this.channel.runBusy &&
      this.req.room >= REQUEST_MAX * 4 &&
      this.writeWatch.events === 0
    );
  }

  /** Whether there is room for messages that nobody waits for. */
  mayPrefetch(): boolean {
    return this.tags.free > TAGS_PER_REQUEST * 4 && this.req.room > REQUEST_MAX * 4;
  }

  private begin(): void {
    const h = this.header;
    const { opcode } = h;
    this.stats.count(opcode);
    const op = this.idle.pop() ?? this.newOp();
    op.reset();
    op.uniqueLo = h.uniqueLo;
    op.uniqueHi = h.uniqueHi;
    op.opcode = opcode;
    op.uid = h.uid;
    op.gid = h.gid;
    op.pid = h.pid;
    const handler = HANDLERS[opcode];
    const shape = SHAPE[opcode];
    if (handler === undefined || shape === undefined) this.error(op, ENOSYS);
    else if (
      h.end < IN_HEADER + shape.struct ||
      !this.takeStrings(op, IN_HEADER + shape.struct, shape.strings)
    ) {
      this.error(op, EIO);
    } else {
      const node = this.nodes.get(h.nodeLo, h.nodeHi);
      if (node === undefined && needsNode(opcode)) this.error(op, ESTALE);
      else {
        op.node = node;
        if (node !== undefined) node.busy++;
        handler(this, op);
      }
    }
    this.release(op);
  }

  private newOp(): Op {
    const op = new Op();
    this.ops.push(op);
    return op;
  }

  /** An operation of our own, which answers nobody. */
  spare(): Op {
    const op = this.idle.pop() ?? this.newOp();
    op.reset();
    op.uniqueLo = 0;
    op.uniqueHi = 0;
    op.opcode = 0;
    op.done = true;
    return op;
  }

  /** Puts an operation back for reuse once nothing of it is left. */
  release(op: Op): void {
    if (!op.done || op.waiting > 0 || op.held || !op.active) return;
    op.active = false;
    if (op.node !== undefined) this.unbusy(op.node);
    if (op.node2 !== undefined) this.unbusy(op.node2);
    op.data = undefined;
    this.idle.push(op);
  }

  private unbusy(node: Node): void {
    node.busy--;
    if (node.nlookup === 0) this.dropIfUnused(node);
  }

  /** The block that replies of the server lie in. */
  get inputMem(): Mem {
    return this.channel.inputMem;
  }

  // ---- the server's side ----

  /** A tag for a message of `type`; its reply goes to `handler`. */
  call(op: Op, type: number, handler: OnReply<Engine, Op>, data = 0): number {
    op.waiting++;
    this.stats.messages++;
    return this.tags.take(type, op, handler, data);
  }

  /** Gives a fid back. Nobody waits. */
  clunk(fid: number): void {
    if (this.tags.free > TAGS_PER_REQUEST && this.req.room > REQUEST_MAX) this.sendClunk(fid);
    else this.clunks.later(this, fid);
  }

  /** Whether there is room for the clunk of a fid that has waited. */
  mayClunk(): boolean {
    return this.tags.free > TAGS_PER_REQUEST * 2 && this.req.room > REQUEST_MAX * 2;
  }

  sendClunk(fid: number): void {
    this.stats.messages++;
    this.req.clunk(this.tags.take(T.clunk, this.nobody, onClunked, fid), fid);
  }

  /** Sends the run of bytes behind everything that waits: the data of a write, from where the kernel left it. */
  sendRun(mem: Mem, off: number, len: number): void {
    this.channel.setRun(mem, off, len);
    this.flush();
  }

  /** A turn: what the server has answered. */
  onReplies(): void {
    this.now = performance.now();
    const n = this.channel.receive();
    if (n === -EAGAIN) return;
    if (n === 0) return this.end({ kind: 'disconnected', why: 'the server closed the connection' });
    if (n < 0)
      return this.end({ kind: 'disconnected', why: `reading from the server failed: ${because(n)}` });
    const { reply } = this;
    for (;;) {
      const size = this.channel.next(reply);
      if (size === NEED_MORE) break;
      if (size === BAD_FRAME) return this.violation('a reply with an impossible length');
      this.onReply(reply);
      if (this.ended !== undefined) return;
    }
    this.settleTurn();
  }

  private onReply(r: Reply): void {
    const { tag, type } = r;
    const want = this.tags.wanted(tag);
    if (want === 0) return this.violation(`a reply with the tag ${tag}, which no request has`);
    if (type !== want && type !== RLERROR) {
      return this.violation(`${typeName(type)} where ${typeName(want)} was due`);
    }
    if (!wellFormed(r)) return this.violation(`a malformed ${typeName(type)}`);
    let err = 0;
    if (type === RLERROR) {
      err = cleanErrno(r.dv.getUint32(r.pos, true));
      // The kernel checks descriptors itself: from the server it can only mean that a fid is not (or not any more) what we took it for.
      if (err === EBADF) err = ESTALE;
    }
    this.settle(tag, err, r);
  }

  /** Ends the wait for a tag. */
  settle(tag: number, err: number, r: Reply): void {
    const op = this.tags.opOf(tag);
    if (op === undefined) return;
    if (op !== this.nobody) op.waiting--;
    this.tags.settle(this, tag, err, r);
    if (op !== this.nobody) this.release(op);
  }

  /** Asks the server to give up on what an operation waits for. */
  flushOp(op: Op): void {
    const mine: number[] = [];
    this.tags.each((tag, owner) => {
      if (owner === op) mine.push(tag);
    });
    for (const old of mine) {
      if (this.tags.free === 0 || this.req.room < REQUEST_MAX) return;
      const serial = this.tags.serialOf(old);
      this.req.flush(this.tags.take(T.flush, this.nobody, onFlushed, serial), old);
    }
    this.settleTurn();
  }

  /** A request was flushed: unless its reply came first, it ends with EINTR. */
  flushed(serial: number, r: Reply): void {
    const tag = this.tags.ofSerial(serial);
    if (tag >= 0) this.settle(tag, EINTR, r);
  }

  /** The server broke the protocol: nothing that it sends can be trusted to belong where it seems to. */
  private violation(what: string): void {
    this.end({ kind: 'protocol', why: `the server sent ${what}` });
  }

  /** The server said something that cannot be true, in a well-formed reply: that operation fails with EIO. Told in the log a few times. */
  lie(op: Op | undefined, what: string): void {
    this.warn(`the server ${what}; that operation fails with EIO`);
    if (op !== undefined) this.error(op, EIO);
  }

  private onWritable(): void {
    this.now = performance.now();
    this.writeWatch.events = 0;
    this.settleTurn();
  }

  /** End of a turn: what gathered goes out, and what is watched is decided anew. */
  settleTurn(): void {
    this.clunks.settle(this, this.req.end > 0);
    this.flush();
    this.deviceWatch.events = this.mayTake() ? POLLIN : this.interrupts.whileDeaf();
  }

  private flush(): void {
    if (this.writeWatch.events !== 0 || this.ended !== undefined) return;
    const r = this.channel.flush();
    if (r === ALL_SENT) return;
    if (r < 0) return this.end({ kind: 'disconnected', why: `the server went away (${errnoName(r)})` });
    this.writeWatch.events = POLLOUT;
  }

  // ---- nodes ----

  /** Forgets a node that the kernel does not know, nobody has open and nobody works with. */
  dropIfUnused(node: Node): void {
    if (
      node.nlookup > 0 ||
      node.busy > 0 ||
      node.handles !== undefined ||
      node.dead ||
      node === this.nodes.root
    )
      return;
    this.watching.leave(this, node);
    if (node.ahead !== undefined) this.ahead.drop(this, node.ahead);
    const fid = this.fids.detach(node);
    if (fid >= 0) this.clunk(fid);
    this.nodes.drop(node);
  }
}

function onClunked(e: Engine, _op: Op, _err: number, _r: Reply, fid: number): void {
  e.fids.give(fid);
}

/** Rflush: if the old request has had no answer by now, it never will. */
function onFlushed(e: Engine, _op: Op, _err: number, r: Reply, serial: number): void {
  e.flushed(serial, r);
}
