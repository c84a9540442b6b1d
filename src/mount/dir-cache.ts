// SPDX-License-Identifier: MIT

import { S_IFDIR, S_IFMT } from '../base/stat.ts';
import { AT, GETATTR_BODY } from '../p9-client/index.ts';
import type { Attrs } from './attrs.ts';
import { judgeName, NAME_GOOD } from './names.ts';
import type { Op } from './op.ts';

/** Entries of one folder that are remembered at the most; of a larger one, the first so many. */
const MAX_ENTRIES = 4096;
/** More than these take, with names as long as can be: only a server that repeats itself gets there. */
const MAX_BYTES = 2 * 1024 * 1024;

/** What a name is, as far as is known: a position in `DirCache.data`, or one of these. */
export const ABSENT = -1;
export const ASK = -2;

const DOT = 0x2e;

/**
 * What the server last told of a folder's entries (Rreaddirplus), so that programs which look up one name after another need not ask for each. How long it is good
 * is for the cache policy to say; it is the age of the oldest part that counts.
 */
export class DirCache {
  /** When it was asked for, ms. */
  readonly at: number;
  /** Every entry is here: a name that is not does not exist. */
  complete = false;
  /** It cannot be read: not to be tried again. */
  failed = false;
  /** Something in it is not what it was: no listing can be given from it any more. */
  spoiled = false;
  /** The folder's watch that was there before this was asked for; 0 = none. */
  readonly watch: number;
  /** More is on its way. */
  fetching = false;
  /** Lookups that wait for it. */
  readonly waiters: Op[] = [];
  /** Where to go on, when it is not complete. */
  lastLo = 0;
  lastHi = 0;
  /** Of all batches. */
  bytes = 0;
  readonly batches: { readonly data: Buffer; readonly dv: DataView }[] = [];
  /** It is counted among those that were to save lookups (RecentFolders). */
  counted = false;
  /** When the kernel was last given its names (ms). */
  filledAt = -Infinity;
  private index: Map<string, number> | undefined;
  private indexed = 0;
  private folders: boolean | undefined;

  constructor(at: number, watch = 0) {
    this.at = at;
    this.watch = watch;
  }

  /** The whole listing in one piece, if that is what is here. */
  get listing(): Buffer | undefined {
    if (!this.complete || this.spoiled || this.batches.length !== 1) return undefined;
    return this.batches[0]?.data;
  }

  /** Whether folders are in it, `.` and `..` aside. */
  get hasFolders(): boolean {
    this.folders ??= this.batches.some(listsFolders);
    return this.folders;
  }

  /** How many names are known. */
  get names(): number {
    return this.all().size;
  }

  /** Adds the payload of an Rreaddirplus, which is this object's from now on. */
  add(data: Buffer, complete: boolean): void {
    this.folders = undefined;
    this.batches.push({ data, dv: new DataView(data.buffer, data.byteOffset, data.byteLength) });
    this.bytes += data.length;
    this.complete = complete;
  }

  /** Whether asking for more is worth it. */
  get full(): boolean {
    return (
      this.failed || this.bytes >= MAX_BYTES || (this.index !== undefined && this.index.size >= MAX_ENTRIES)
    );
  }

  /** A number for `batchOf` and `offsetOf`, or ABSENT, or ASK. */
  find(name: string): number {
    const at = this.all().get(name);
    if (at !== undefined) return at;
    return this.complete ? ABSENT : ASK;
  }

  /** Reads what was told of `name` into `attrs`. False: nothing that can be. */
  readAttrs(name: string, attrs: Attrs): boolean {
    const at = this.find(name);
    if (at < 0) return false;
    const batch = this.batches[Math.floor(at / BATCH_SPAN)] as { dv: DataView };
    return attrs.read(batch.dv, at % BATCH_SPAN);
  }

  /** What was changed here through this mount. */
  note(name: string, what: typeof ABSENT | typeof ASK): void {
    this.spoiled = true;
    this.all().set(name, what);
  }

  /** The index is made when the first lookup comes: most folders are listed and never looked up in. */
  private all(): Map<string, number> {
    this.index ??= new Map();
    for (; this.indexed < this.batches.length; this.indexed++) this.scan(this.index, this.indexed);
    return this.index;
  }

  private scan(index: Map<string, number>, which: number): void {
    const { data, dv } = this.batches[which] as { data: Buffer; dv: DataView };
    const end = data.length;
    let pos = 0;
    while (pos + GETATTR_BODY + 10 <= end && index.size < MAX_ENTRIES) {
      const p = pos + GETATTR_BODY;
      const n = dv.getUint16(p + 8, true);
      const next = p + 10 + n;
      if (next > end) return;
      this.lastLo = dv.getUint32(p, true);
      this.lastHi = dv.getUint32(p + 4, true);
      if (judgeName(data, p + 10, n) === NAME_GOOD) {
        const name = data.toString('latin1', p + 10, p + 10 + n);
        // `valid` 0: there, but without attributes. And what was changed here meanwhile is known better here.
        if (!index.has(name)) index.set(name, dv.getUint32(pos, true) === 0 ? ASK : which * BATCH_SPAN + pos);
      }
      pos = next;
    }
    if (index.size >= MAX_ENTRIES) this.complete = false;
  }
}

/** Larger than any batch: a position in the whole is which × BATCH_SPAN + offset. */
export const BATCH_SPAN = 1 << 21;

function listsFolders({ data, dv }: { readonly data: Buffer; readonly dv: DataView }): boolean {
  for (let pos = 0; pos + GETATTR_BODY + 10 <= data.length; ) {
    const p = pos + GETATTR_BODY;
    const n = dv.getUint16(p + 8, true);
    const dots = data[p + 10] === DOT && (n === 1 || (n === 2 && data[p + 11] === DOT));
    if ((dv.getUint32(pos + AT.mode, true) & S_IFMT) === S_IFDIR && !dots) return true;
    pos = p + 10 + n;
  }
  return false;
}
