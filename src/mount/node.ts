// SPDX-License-Identifier: MIT

import { S_IFDIR } from '../base/stat.ts';
import type { Ahead, Readers } from './ahead.ts';
import type { FreshAttr } from './attrs.ts';
import type { DirCache } from './dir-cache.ts';
import type { Fill } from './fill.ts';
import type { Handle } from './handle.ts';
import type { OwnerLocks } from './ops/lock.ts';

/** What has happened to a folder, in ms; -Infinity = not yet. */
export class FolderPast {
  /** A name was looked up in it. */
  lookedUpAt = -Infinity;
  /** The object of `doubtedName` was replaced while it was being opened. */
  doubtedName = '';
  doubtedAt = -Infinity;
  /** The names in `Node.shown` were given. */
  shownAt = -Infinity;
  /** A program read a folder in it. */
  folderReadAt = -Infinity;
  /** The server told of names in it. */
  toldAt = -Infinity;
  /** It was opened to be listed. */
  listedAt = -Infinity;
}

/** Files have none, and are most of what a mount knows: seven numbers less for each. */
const NO_FOLDER = new FolderPast();

/**
 * An object that the kernel knows, by its node id. It is the server's object with this qid path, under whatever names it has; two names of one file are
 * one node. It needs no fid of its own while nobody works with it: its folder and name lead back to it, and the qid tells whether it is still the same.
 */
export class Node {
  readonly id: number;
  readonly generation: number;
  readonly pathLo: number;
  readonly pathHi: number;
  /** S_IFMT bits; an object that comes back with others is another object. */
  readonly kind: number;
  /** How many times the kernel was told of it and has not forgotten yet. */
  nlookup = 0;
  /** An unopened fid, -1 = none just now. */
  fid = -1;
  /** Place in the list of nodes with a fid. */
  fidSlot = -1;
  /** The walk that makes `fid` is under way: good for questions, which may come to nothing, not for changes. */
  fidPending = false;
  /** The name led to `fid` and its qid is right, but nobody has compared the time of birth: an inode number may have been given away. */
  fidByName = false;
  /** Worked with since the sweep for idle fids last came by. */
  used = false;
  /** Operations in progress that name it. */
  busy = 0;
  /** Where it was last seen; undefined for the root, and for what has lost its name. */
  parent: Node | undefined;
  name = '';
  /** How often that has changed, other than by a rename through this mount. */
  placed = 0;
  /** `placed` when `fid` was walked to. */
  fidPlaced = 0;
  /** Of a folder: nodes whose `parent` this is, by name. */
  children: Map<string, Node> | undefined;
  /** Next in the bucket of the table by qid path. */
  chain: Node | undefined;
  dead = false;

  /** The server's last word, for decisions (not answered from): mode bits, group, links, bytes, qid version. */
  mode = 0;
  /** As the server has it, whatever is shown. */
  gid = 0;
  /** When it was made, where the server tells; tells an object from one that has its inode number now. 0 = not known. */
  bornSec = 0;
  bornNsec = 0;
  nlink = 1;
  size = 0;
  version = 0;
  /** Seconds, the lower 32 bits. */
  mtimeSec = 0;

  /** When something was changed here through this mount (ms; a folder: its entries). What the server said before is out of date. */
  changedAt = -1;
  /** How many times. */
  changes = 0;
  readonly past: FolderPast;
  /** Of a folder: what a lookup may be answered from. */
  entries: DirCache | undefined;
  /** Attributes asked for along with a change, good until the next. */
  fresh: FreshAttr | undefined;
  /** The kernel asked for attributes right after a change: it will again. */
  asksAfterChange = false;
  /** qid version whose bytes the kernel's page cache holds; 0 = none that may be kept. */
  cachedVersion = 0;
  /** Of a folder: the number of its watch (watching.ts); 0 = not watched. */
  watch = 0;
  /** Of a folder: what the kernel's kept listing, if it has one, was made from, and as of when its names were given (ms). */
  shown: DirCache | undefined;
  /** Of a folder: the kernel was allowed to keep what it lists. */
  keepsListing = false;
  /** Of a folder: how its files are being read. */
  readers: Readers | undefined;
  /** Of a folder: its names are being given to the kernel. */
  fill: Fill | undefined;
  /** Opened before a program asked for it. */
  ahead: Ahead | undefined;
  /** An open that brings the bytes along is under way. */
  opening = false;
  /** Open handles, newest first. */
  handles: Handle | undefined;
  locks: OwnerLocks | undefined;

  constructor(id: number, generation: number, pathLo: number, pathHi: number, kind: number) {
    this.id = id;
    this.generation = generation;
    this.pathLo = pathLo;
    this.pathHi = pathHi;
    this.kind = kind;
    this.past = kind === S_IFDIR ? new FolderPast() : NO_FOLDER;
  }

  /** A fid through which it is open, -1 = none: what was opened from memory has none. */
  get openFid(): number {
    return this.openHandle?.fid ?? -1;
  }

  /** The handle of `openFid`. */
  get openHandle(): Handle | undefined {
    let h = this.handles;
    while (h !== undefined && h.fid < 0) h = h.next;
    return h;
  }

  is(pathLo: number, pathHi: number): boolean {
    return this.pathLo === pathLo && this.pathHi === pathHi;
  }
}
