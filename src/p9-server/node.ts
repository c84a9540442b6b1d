// SPDX-License-Identifier: MIT

import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../base/stat.ts';
import type { OpenFile } from './open-file.ts';

/**
 * An object of the share that some fid names: reached one step at a time, held by an O_PATH descriptor while one can be spared.
 *
 * A node without a descriptor remembers where the object was and what it was (`saved`); `DescriptorPool.fd` finds it again only if it is
 * the very same object.
 */
export class Node {
  /** O_PATH descriptor, or -1. Owned by the pool. */
  fd = -1;
  /** The open file to use instead, for what was created open (Tlcreate). One reference is held. */
  file: OpenFile | undefined;
  /** Fids that name this node. */
  refs = 1;
  /** Looked at since the pool's hand last passed (second chance). */
  used = true;
  /** The message that its descriptor was last given out for (DescriptorPool.begin). */
  message = 0;
  /** Cannot be found again by name (unlinked, moved out, no identity): keeps its descriptor. */
  pinned = false;
  /** Place in the pool's ring, -1 = not in it. */
  slot = -1;
  saved: Saved | undefined;
  /** S_IFMT bits: what an object is never changes. */
  readonly kind: number;

  constructor(mode: number) {
    this.kind = mode & S_IFMT;
  }

  get isDir(): boolean {
    return this.kind === S_IFDIR;
  }
  get isFile(): boolean {
    return this.kind === S_IFREG;
  }
  get isSymlink(): boolean {
    return this.kind === S_IFLNK;
  }
}

/** What is known of an object whose descriptor was taken. */
export interface Saved {
  /** Path below the root of the share, as latin1 (one character a byte), without a leading slash; '.' is the root itself. */
  path: string;
  /** Device, inode, birth time, type: the bytes of `identityOf`. */
  identity: string;
  /** Of FUSE: what else tells that it is the same, while nobody changes it (`DescriptorPool.lastingOf`). */
  lasting: string;
}
