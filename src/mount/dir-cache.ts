// SPDX-License-Identifier: MIT

import { S_IFDIR, S_IFMT } from '../base/stat.ts';
import { AT, GETATTR_BODY } from '../p9-client/index.ts';
import type { Attrs } from './attrs.ts';
import { judgeName, NAME_GOOD } from './names.ts';
import type { Op } from './op.ts';
import { entryEnd, findEntry, NAME_AT } from './plus-entries.ts';

/** Entries of one folder that are remembered at the most; of a larger one, the first so many. */
const MAX_ENTRIES = 4096;
/** More than these take, with names as long as can be: only a server that repeats itself gets there. */
const MAX_BYTES = 2 * 1024 * 1024;

/** Bytes of a listing that is looked through for a name, instead of making an index first, and how many times: most folders are asked for a name or two. */
const SHORT = 8192;
const LOOKS = 8;

/** What a name is, as far as is known: a position in `DirCache.data`, or one of these. */
export const ABSENT = -1;
export const ASK = -2;

/** The payload of an Rreaddirplus. */
interface Batch {
  readonly data: Buffer;
  readonly dv: DataView;
}

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
  readonly batches: Batch[] = [];
  /** It is counted among those that were to save lookups (RecentFolders). */
  counted = false;
  /** When the kernel was last given its names (ms). */
  filledAt = -Infinity;
  private index: Map<string, number> | undefined;
  private indexed = 0;
  private looks = 0;
  /** How many batches have been looked through, and what was in them. */
  private surveyed = 0;
  private good = 0;
  private folders = false;

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
    this.survey();
    return this.folders;
  }

  /** How many names were told, `.` and `..` aside. */
  get names(): number {
    this.survey();
    return this.good;
  }

  /** Adds the payload of an Rreaddirplus, which is this object's from now on. */
  add(data: Buffer, complete: boolean): void {
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
    if (this.index === undefined && this.complete && this.bytes <= SHORT && this.looks < LOOKS) {
      this.looks++;
      const [batch, another] = this.batches;
      if (batch !== undefined && another === undefined) return findIn(batch, name);
    }
    const at = this.all().get(name);
    if (at !== undefined) return at;
    return this.complete ? ABSENT : ASK;
  }

  /** Reads what was told of `name` into `attrs`. False: nothing that can be. */
  readAttrs(name: string, attrs: Attrs): boolean {
    const at = this.find(name);
    if (at < 0) return false;
    const batch = this.batches[Math.floor(at / BATCH_SPAN)] as Batch;
    return attrs.read(batch.dv, at % BATCH_SPAN);
  }

  /** What was changed here through this mount. */
  note(name: string, what: typeof ABSENT | typeof ASK): void {
    this.spoiled = true;
    this.all().set(name, what);
  }

  private survey(): void {
    for (; this.surveyed < this.batches.length; this.surveyed++) {
      const { data, dv } = this.batches[this.surveyed] as Batch;
      const end = data.length;
      for (let pos = 0, next = entryEnd(dv, 0, end); next >= 0; pos = next, next = entryEnd(dv, pos, end)) {
        const name = pos + NAME_AT;
        if (judgeName(data, name, next - name) !== NAME_GOOD) continue;
        this.good++;
        this.folders ||= (dv.getUint32(pos + AT.mode, true) & S_IFMT) === S_IFDIR;
      }
    }
  }

  /** The index is made when it is worth it: most folders are listed and hardly ever looked up in. */
  private all(): Map<string, number> {
    this.index ??= new Map();
    for (; this.indexed < this.batches.length; this.indexed++) this.scan(this.index, this.indexed);
    return this.index;
  }

  private scan(index: Map<string, number>, which: number): void {
    const { data, dv } = this.batches[which] as Batch;
    const end = data.length;
    for (let pos = 0; index.size < MAX_ENTRIES; ) {
      const next = entryEnd(dv, pos, end);
      if (next < 0) return;
      const from = pos + NAME_AT;
      this.lastLo = dv.getUint32(pos + GETATTR_BODY, true);
      this.lastHi = dv.getUint32(pos + GETATTR_BODY + 4, true);
      if (judgeName(data, from, next - from) === NAME_GOOD) {
        const name = data.toString('latin1', from, next);
        // `valid` 0: there, but without attributes. And what was changed here meanwhile is known better here.
        if (!index.has(name)) index.set(name, dv.getUint32(pos, true) === 0 ? ASK : which * BATCH_SPAN + pos);
      }
      pos = next;
    }
    this.complete = false;
  }
}

/** Larger than any batch: a position in the whole is which × BATCH_SPAN + offset. */
export const BATCH_SPAN = 1 << 21;

/** As `DirCache.find`, of a whole listing in one piece. */
function findIn({ data, dv }: Batch, name: string): number {
  const pos = findEntry(data, dv, name);
  if (pos < 0 || judgeName(data, pos + NAME_AT, name.length) !== NAME_GOOD) return ABSENT;
  return dv.getUint32(pos, true) === 0 ? ASK : pos;
}
