// SPDX-License-Identifier: MIT

import { S_IFDIR } from '../base/stat.ts';
import { ROOT_ID } from '../fuse-abi/index.ts';
import type { Attrs } from './attrs.ts';
import { Node } from './node.ts';

/**
 * Every node, by the kernel's number and by qid path. Numbers are used again, with another generation, so that the pair is unique for the life of the mount.
 */
export class Nodes {
  readonly root: Node;
  private readonly byId: (Node | undefined)[] = [];
  private readonly freeIds: number[] = [];
  private readonly byPath = new Map<number, Node>();
  private generation = 0;
  count = 1;

  constructor(rootPathLo: number, rootPathHi: number) {
    this.root = new Node(ROOT_ID, 0, rootPathLo, rootPathHi, S_IFDIR);
    this.root.nlookup = 1;
    this.byId[ROOT_ID] = this.root;
    this.enter(this.root);
  }

  get(idLo: number, idHi: number): Node | undefined {
    return idHi === 0 ? this.byId[idLo] : undefined;
  }

  /** The node of the object that `a` describes, undefined when there is none. */
  find(a: Attrs): Node | undefined {
    for (let n = this.byPath.get(bucket(a.pathLo, a.pathHi)); n !== undefined; n = n.chain) {
      if (n.is(a.pathLo, a.pathHi)) return a.isOf(n) ? n : undefined;
    }
    return undefined;
  }

  /**
   * The node of the object that `a` describes, made when there is none. A node of the same qid path but of another kind or time of birth is a former object
   * whose inode number was given away: it loses its place.
   */
  intern(a: Attrs): Node {
    const { pathLo, pathHi } = a;
    const key = bucket(pathLo, pathHi);
    for (let n = this.byPath.get(key); n !== undefined; n = n.chain) {
      if (!n.is(pathLo, pathHi)) continue;
      if (a.isOf(n)) return n;
      this.retire(n);
      break;
    }
    const id = this.freeIds.pop() ?? Math.max(ROOT_ID + 1, this.byId.length);
    const node = new Node(id, ++this.generation, pathLo, pathHi, a.kind);
    this.byId[id] = node;
    this.enter(node);
    this.count++;
    return node;
  }

  /** The object behind `node` is no more what it was: a lookup of its path makes a new node. */
  retire(node: Node): void {
    const key = bucket(node.pathLo, node.pathHi);
    const head = this.byPath.get(key);
    if (head === node) {
      if (node.chain === undefined) this.byPath.delete(key);
      else this.byPath.set(key, node.chain);
    } else {
      for (let n = head; n !== undefined; n = n.chain) {
        if (n.chain === node) {
          n.chain = node.chain;
          break;
        }
      }
    }
    node.chain = undefined;
  }

  private enter(node: Node): void {
    const key = bucket(node.pathLo, node.pathHi);
    node.chain = this.byPath.get(key);
    this.byPath.set(key, node);
  }

  /**
   * `node` is now known as `name` in `dir`. What was above `dir` stays no longer so when it is below `node` by now: parents never run in a circle, whatever the server says.
   */
  place(node: Node, dir: Node, name: string): void {
    if (node.parent === dir && node.name === name) return;
    this.displace(node);
    if (node === dir) return;
    if (node.children !== undefined) {
      for (let n = dir; n.parent !== undefined; n = n.parent) {
        if (n.parent !== node) continue;
        this.displace(n);
        break;
      }
    }
    if (dir.children === undefined) dir.children = new Map();
    const former = dir.children.get(name);
    if (former !== undefined) former.parent = undefined;
    dir.children.set(name, node);
    node.parent = dir;
    node.name = name;
    node.placed++;
  }

  /** `node` was renamed through this mount: what was reached by its name is reached by the new one. */
  rename(node: Node, dir: Node, name: string): void {
    const { placed } = node;
    this.place(node, dir, name);
    if (node.fidPlaced === placed) node.fidPlaced = node.placed;
    for (let h = node.handles; h !== undefined; h = h.next) if (h.placed === placed) h.placed = node.placed;
  }

  /** `node` has no known name any more. */
  displace(node: Node): void {
    const { parent } = node;
    if (parent === undefined) return;
    parent.children?.delete(node.name);
    if (parent.children?.size === 0) parent.children = undefined;
    node.parent = undefined;
  }

  /** The node that was last seen as `name` in `dir`. */
  child(dir: Node, name: string): Node | undefined {
    return dir.children?.get(name);
  }

  /** Takes a node out for good: the kernel has forgotten it and nothing is open. The caller has seen to its fid. */
  drop(node: Node): void {
    if (node.dead || node === this.root) return;
    node.dead = true;
    this.count--;
    this.displace(node);
    if (node.children !== undefined) {
      for (const child of node.children.values()) child.parent = undefined;
      node.children = undefined;
    }
    this.retire(node);
    this.byId[node.id] = undefined;
    this.freeIds.push(node.id);
  }
}

function bucket(lo: number, hi: number): number {
  return (lo ^ Math.imul(hi, 0x9e3779b1)) | 0;
}
