// SPDX-License-Identifier: MIT

import type { Fill } from './fill.ts';
import type { Listing } from './listing.ts';
import type { Node } from './node.ts';

/** An open file or folder: its number is what the kernel calls `fh`. */
export class Handle {
  readonly id: number;
  readonly node: Node;
  /** An open fid. */
  fid: number;
  /** Where pages of a shared map are written, when `fid` appends (ops/write-back.ts). */
  pagesFid = -1;
  /** open(2) flags that the kernel gave. */
  readonly flags: number;
  /** Largest read or write that the server wants; 0 = any. */
  iounit = 0;
  /** What is written goes past the kernel's page cache. */
  direct = false;
  /** It was opened to give the folder's names to the kernel. */
  fill: Fill | undefined;
  /** Of a folder. */
  listing: Listing | undefined;
  /** `placed` of the node when it was opened. */
  placed: number;
  /** Next of the same node. */
  next: Handle | undefined;

  constructor(id: number, node: Node, fid: number, flags: number) {
    this.id = id;
    this.node = node;
    this.fid = fid;
    this.flags = flags;
    this.placed = node.placed;
  }
}

/** All open handles by number. */
export class Handles {
  private readonly byId: (Handle | undefined)[] = [undefined];
  private readonly freeIds: number[] = [];
  count = 0;

  open(node: Node, fid: number, flags: number): Handle {
    const id = this.freeIds.pop() ?? this.byId.length;
    const h = new Handle(id, node, fid, flags);
    this.byId[id] = h;
    h.next = node.handles;
    node.handles = h;
    this.count++;
    return h;
  }

  get(lo: number, hi: number): Handle | undefined {
    return hi === 0 ? this.byId[lo] : undefined;
  }

  close(h: Handle): void {
    if (this.byId[h.id] !== h) return;
    this.byId[h.id] = undefined;
    this.freeIds.push(h.id);
    this.count--;
    const { node } = h;
    if (node.handles === h) node.handles = h.next;
    else {
      for (let p = node.handles; p !== undefined; p = p.next) {
        if (p.next === h) {
          p.next = h.next;
          break;
        }
      }
    }
    h.next = undefined;
  }
}
