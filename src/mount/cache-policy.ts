// SPDX-License-Identifier: MIT

import { S_IFDIR, S_IFREG } from '../base/stat.ts';
import { O_APPEND } from '../base/sys.ts';
import { FOPEN_CACHE_DIR, FOPEN_DIRECT_IO, FOPEN_KEEP_CACHE } from '../fuse-abi/index.ts';
import type { DirCache } from './dir-cache.ts';
import type { Listing } from './listing.ts';
import type { Node } from './node.ts';

const O_ACCMODE = 3;
const O_WRONLY = 1;
const O_DIRECT = 0o40000;
/** Bytes of the largest file that an open brings along: what the kernel would read ahead anyway. */
const CONTENT_MAX = 128 * 1024;

/**
 * What the server told of a folder that it watches for us is true until it says otherwise; but some changes no watch sees (a store through mmap(2), a file's other or former
 * name), so after this long it is asked for again. Milliseconds.
 */
const WATCHED_MS = 10_000;
/** A file that was opened ahead of its program is opened anew when the program comes later than this. Milliseconds. */
const AHEAD_MS = 1000;

/** A time of change is the same for all that happens in one tick of the server's clock; that may be two seconds (FAT), and be another clock than ours. Seconds. */
const SETTLED_S = 3;
/** The names of a listing must be good for so much longer for the kernel to list them from what it has. Milliseconds. */
const KEEP_MS = 250;

/** How long the kernel may answer without asking. Milliseconds. */
export interface CacheTimes {
  /** A name stands for the same object. */
  readonly entryMs: number;
  /** Size, times, mode of an object. */
  readonly attrMs: number;
  /** A name is not there. 0 = ask each time. */
  readonly negativeMs: number;
}

export const DEFAULT_TIMES: CacheTimes = { entryMs: 1000, attrMs: 1000, negativeMs: 0 };

/**
 * Every decision about what may be kept, and for how long, stands in this file. The kernel's part is time alone: what another client changes is seen after `attrMs` at the
 * latest (and on open(2) for a file's bytes and size). What we remember ourselves is good for the same time, and longer while the server watches the folder for us (watching.ts).
 */
export class CachePolicy {
  readonly entryMs: number;
  readonly attrMs: number;
  readonly negativeMs: number;

  /**
   * Whether writes may go past the page cache, to the server each in one piece: where direct writes throw out the pages that they pass by (Linux 6.6). Those that append, because the kernel cuts them at
   * the end of a page else (fuse_fill_write_pages, fs/fuse/file.c), and what another client appends at that moment comes between. Those of who opened a file only to write, because the kernel
   * asks for the file's capabilities before every write through the page cache (file_remove_privs, fs/inode.c), and the pages would not be kept for the next open anyway (`onWrite`).
   */
  writesDirectly = false;

  constructor(times: CacheTimes) {
    this.entryMs = times.entryMs;
    this.attrMs = times.attrMs;
    this.negativeMs = times.negativeMs;
  }

  /** How much longer what the server said at `at` may stand for a name; ≤ 0 = no more. */
  entryLeft(at: number, now: number): number {
    return this.entryMs - (now - at);
  }

  /** As of when what the server told at `at` is known to be true. `watched`: by a watch that was there before, and has told of no change. */
  trueAt(at: number, watched: boolean, now: number): number {
    return watched && now - at < WATCHED_MS ? now : at;
  }

  /** Whether a file opened ahead of its program, at `at`, may still be given to it. */
  aheadIsGood(at: number, now: number): boolean {
    return now - at < Math.min(AHEAD_MS, this.attrMs);
  }

  /** Whether a file may be opened before its program asks: small, and to be seen to its end. */
  mayOpenAhead(node: Node): boolean {
    return node.kind === S_IFREG && node.size <= CONTENT_MAX && node.handles === undefined && !node.opening;
  }

  /** The same for attributes. */
  attrLeft(at: number, now: number): number {
    return this.attrMs - (now - at);
  }

  /**
   * Whether a folder may be opened without waiting for the server: when anyone may read it, the server cannot refuse. (What it was when its attributes were last
   * told: a folder that vanished meanwhile shows as soon as it is read.)
   */
  opensUnasked(node: Node): boolean {
    return node.kind === S_IFDIR && (node.mode & 0o444) === 0o444;
  }

  /**
   * `open_flags` for a file just opened, when the server's qid says `version`. The pages of an earlier open may stay when nothing has
   * changed since; version 0 means "no versions here" (QEMU, diod), so nothing is known and nothing kept.
   *
   * Every close(2) is told to us, also of a file that was opened to be read (no FOPEN_NOFLUSH, which cannot be taken back): any of them may end locks, by whatever descriptor they were taken.
   */
  onOpen(node: Node, version: number, flags: number): number {
    let out = 0;
    if (version !== 0 && node.cachedVersion === version) out |= FOPEN_KEEP_CACHE;
    node.cachedVersion = version;
    const mode = flags & O_ACCMODE;
    if (this.writesDirectly && (mode === O_WRONLY || (mode !== 0 && (flags & O_APPEND) !== 0)))
      out |= FOPEN_DIRECT_IO;
    return out;
  }

  /**
   * Whether an open brings the file's bytes along: a small file, opened to be read, that nobody has open (so that no page of it is locked by one who waits for
   * us) and whose pages the kernel does not have yet as far as is known.
   */
  wantsContent(node: Node, flags: number): boolean {
    return (
      (flags & (O_ACCMODE | O_DIRECT)) === 0 &&
      node.kind === S_IFREG &&
      node.size > 0 &&
      node.size <= CONTENT_MAX &&
      node.handles === undefined &&
      !node.opening &&
      (node.version === 0 || node.cachedVersion !== node.version)
    );
  }

  /** All of the file was put into the kernel's page cache, as of `version`: `onOpen` with the same version keeps it. */
  onStored(node: Node, version: number): void {
    node.cachedVersion = version;
  }

  /** Our own write went by: the pages are right, but the version that belongs to them is not known. */
  onWrite(node: Node): void {
    node.cachedVersion = 0;
  }

  /** Whether the kernel still knows the attributes of the folders in a folder: else one listing brings them all, where each of them is a question. A watch does not tell of them, and reading one ends it too (atime). */
  private knowsFolders(node: Node, shown: DirCache, now: number): boolean {
    return node.past.folderReadAt < node.past.shownAt && this.attrLeft(shown.at, now) > KEEP_MS;
  }

  /**
   * `open_flags` for a folder of which `listing` is about to be given. The kernel keeps what it lists of a folder that the server watches, and whose time of change is so long ago that the next
   * change must show in it: at news the kernel is made to look at that (`staleListing` in watching.ts). It keeps the listing of an earlier open when that is still what we would give, and its names are
   * good for a while yet: else READDIRPLUS, which brings all names and attributes anew, is less than a LOOKUP of each.
   */
  onOpenDir(node: Node, listing: Listing, now: number): number {
    // Two that read at one time would fill one listing from two.
    if (node.watch === 0 || node.handles?.next !== undefined) return 0;
    if (Date.now() / 1000 - node.mtimeSec < SETTLED_S) return 0;
    const { shown } = node;
    node.keepsListing = true;
    const same = shown !== undefined && shown === listing.from;
    const known = same && (!shown.hasFolders || this.knowsFolders(node, shown, now));
    if (known && this.entryLeft(node.past.shownAt, now) > KEEP_MS) return FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE;
    listing.shows = true;
    node.shown = listing.from;
    node.past.shownAt = listing.at;
    return FOPEN_CACHE_DIR;
  }
}
