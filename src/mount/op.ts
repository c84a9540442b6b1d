// SPDX-License-Identifier: MIT

import type { Ahead } from './ahead.ts';
import type { DirCache } from './dir-cache.ts';
import type { Engine } from './engine.ts';
import type { Handle } from './handle.ts';
import type { Listing } from './listing.ts';
import type { Node } from './node.ts';
import type { OwnerLocks } from './ops/lock.ts';

export type Step = (e: Engine, op: Op) => void;

/**
 * One request of the kernel on its way: a small state machine whose state is here. Taken from a pool and used again. The fields below `waiting` belong to
 * the operation at hand.
 */
export class Op {
  active = false;
  uniqueLo = 0;
  uniqueHi = 0;
  opcode = 0;
  uid = 0;
  gid = 0;
  pid = 0;
  /** The kernel has its answer (or will never get one). What is still under way is only tidied up. */
  done = false;
  /** Replies of the server that are still to come. */
  waiting = 0;
  /** Someone waits for a timer on its behalf: not to be reused yet. */
  held = false;
  /** When a signal arrived for the caller (ms), 0 = none. */
  interruptedAt = 0;

  node: Node | undefined;
  node2: Node | undefined;
  handle: Handle | undefined;
  name = '';
  name2 = '';
  /** First error of several messages. */
  err = 0;
  /** A fid that the next step works with. */
  fid = -1;
  fid2 = -1;
  /** A fid number that this operation made or tries to make. */
  newFid = -1;
  newFidMade = false;
  flags = 0;
  mode = 0;
  offLo = 0;
  offHi = 0;
  size = 0;
  /** Bytes asked of the server. */
  size2 = 0;
  /** Spare numbers. */
  a = 0;
  b = 0;
  data: Uint8Array | undefined;
  listing: Listing | undefined;
  cache: DirCache | undefined;
  owner: OwnerLocks | undefined;
  /** The file that it opens ahead. */
  opened: Ahead | undefined;
  /** Ask for the folder's entries behind this lookup. */
  prefetch = false;
  /** Of an open: the file's bytes were asked for with it and have not come. */
  contentDue = false;
  /** When it began to wait, ms. */
  since = 0;
  /** Of a listing: it stands where this request wants to read. */
  placed = false;
  /** Of an open: what it opens was found by name, and is not known to be the very object until its time of birth was seen. */
  byName = false;
  /** And its time of birth was asked for. */
  verifying = false;
  /** Of finding an object again (fids.ts). */
  chain: Node[] | undefined;
  goOn: Step | undefined;
  /** What is done when its name leads to another object, where that is no error. */
  otherwise: Step | undefined;
  retried = false;
  /** Its walk has been answered; its look at what was found was answered before that, which it must not be. */
  walked = false;
  early = false;

  reset(): void {
    this.active = true;
    this.done = false;
    this.waiting = 0;
    this.held = false;
    this.interruptedAt = 0;
    this.node = undefined;
    this.node2 = undefined;
    this.handle = undefined;
    this.err = 0;
    this.fid = -1;
    this.fid2 = -1;
    this.newFid = -1;
    this.newFidMade = false;
    this.a = 0;
    this.b = 0;
    this.data = undefined;
    this.listing = undefined;
    this.cache = undefined;
    this.owner = undefined;
    this.opened = undefined;
    this.prefetch = false;
    this.placed = false;
    this.byName = false;
    this.verifying = false;
    this.contentDue = false;
    this.chain = undefined;
    this.goOn = undefined;
    this.otherwise = undefined;
    this.retried = false;
  }
}
