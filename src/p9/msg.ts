// SPDX-License-Identifier: MIT

import { Span } from '../base/mem.ts';
import type { Off } from '../base/sys.ts';
import { MAXWELEM, NOFID, NONUNAME } from './constants.ts';

/** qid[13]: type[1] version[4] path[8]. The path in halves: it is compared and copied, never counted with. */
export class Qid {
  type = 0;
  version = 0;
  pathLo = 0;
  pathHi = 0;

  set(type: number, version: number, pathLo: number, pathHi: number): void {
    this.type = type;
    this.version = version;
    this.pathLo = pathLo;
    this.pathHi = pathHi;
  }

  copy(from: Qid): void {
    this.set(from.type, from.version, from.pathLo, from.pathHi);
  }
}

/** Body of Rgetattr after valid and qid. */
export class Attr {
  mode = 0;
  uid = 0;
  gid = 0;
  nlink: Off = 0;
  rdev: Off = 0;
  size: Off = 0;
  blksize: Off = 0;
  blocks: Off = 0;
  atimeSec: Off = 0;
  atimeNsec: Off = 0;
  mtimeSec: Off = 0;
  mtimeNsec: Off = 0;
  ctimeSec: Off = 0;
  ctimeNsec: Off = 0;
  btimeSec: Off = 0;
  btimeNsec: Off = 0;
  gen: Off = 0;
  dataVersion: Off = 0;
}

/** Body of Rstatfs. */
export class Statfs {
  type = 0;
  bsize = 0;
  blocks: Off = 0;
  bfree: Off = 0;
  bavail: Off = 0;
  files: Off = 0;
  ffree: Off = 0;
  fsid: Off = 0;
  namelen = 0;
}

/**
 * One message of any type: a record of every field that some row of the table names, made once and filled again for each message. One shape for
 * all keeps the code that reads it fast, and costs nothing per message. Which fields mean something is told by `type`; the others hold what an
 * earlier message left there.
 *
 * Spans point into the buffer that was decoded: they die when it is reused.
 */
export class Msg {
  type = 0;
  tag = 0;

  fid = NOFID;
  newfid = NOFID;
  dfid = NOFID;
  afid = NOFID;
  newdirfid = NOFID;
  oldtag = 0;
  offset: Off = 0;
  count = 0;
  flags = 0;
  mode = 0;
  uid = 0;
  gid = 0;
  major = 0;
  minor = 0;
  msize = 0;
  iounit = 0;
  nuname = NONUNAME;
  ecode = 0;
  /** Tgetattr request_mask, Rgetattr valid, Tsetattr valid. */
  mask: Off = 0;
  size: Off = 0;
  datasync = 0;
  /** Locks. */
  lockType = 0;
  start: Off = 0;
  length: Off = 0;
  procId = 0;
  status = 0;
  /** Twatch, Tunwatch: the client's number for a watched folder. */
  id = 0;

  readonly name = new Span();
  /** Trenameat newname, Tsymlink and Rreadlink target, Tattach aname. */
  readonly name2 = new Span();
  /** Rread, Rreaddir, Twrite data. */
  readonly data = new Span();
  nwname = 0;
  readonly names: readonly Span[] = Array.from({ length: MAXWELEM }, () => new Span());
  nwqid = 0;
  readonly qids: readonly Qid[] = Array.from({ length: MAXWELEM }, () => new Qid());
  readonly qid = new Qid();
  readonly attr = new Attr();
  readonly statfs = new Statfs();
}

/**
 * V8 keeps small integers, other numbers and bigints each in a field of its own kind. With the first value of another kind the kind of the field changes for all records that are made from then on, and code that was optimized for
 * those is thrown away when it meets one that was made before. So the very first record has all that may come: numbers beyond 31 bits, and offsets in folders, which are often more than a number holds.
 */
const first = new Msg();
for (const field of ['offset', 'mask', 'size', 'start', 'length'] as const)
  first[field] = Number.MAX_SAFE_INTEGER;
first.offset = 1n;
first.qid.version = 0xffffffff;
