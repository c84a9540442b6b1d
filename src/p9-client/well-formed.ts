// SPDX-License-Identifier: MIT

import { BY_TYPE, RLERROR, T } from '../p9/messages.ts';
import { EXT } from './extension.ts';
import { GETATTR_BODY } from './getattr-body.ts';
import type { Reply } from './tags.ts';

/** Bytes of the body of each reply whose length never varies; -1 where it does or there is no such reply. */
const FIXED: Int16Array = lengths([
  [RLERROR, 4],
  [T.statfs + 1, 60],
  [T.lopen + 1, 17],
  [T.lcreate + 1, 17],
  [T.symlink + 1, 13],
  [T.mknod + 1, 13],
  [T.rename + 1, 0],
  [T.getattr + 1, GETATTR_BODY],
  [T.setattr + 1, 0],
  [T.xattrwalk + 1, 8],
  [T.xattrcreate + 1, 0],
  [T.fsync + 1, 0],
  [T.lock + 1, 1],
  [T.link + 1, 0],
  [T.mkdir + 1, 13],
  [T.renameat + 1, 0],
  [T.unlinkat + 1, 0],
  [T.attach + 1, 13],
  [T.flush + 1, 0],
  [T.write + 1, 4],
  [T.clunk + 1, 0],
  [T.remove + 1, 0],
  [EXT.lookup + 1, GETATTR_BODY],
  [EXT.watch + 1, 0],
  [EXT.unwatch + 1, 0],
]);

function lengths(rows: [number, number][]): Int16Array {
  const t = new Int16Array(256).fill(-1);
  for (const [type, n] of rows) t[type] = n;
  return t;
}

/** Whether the body's own counts fill it exactly, no byte missing and none left over. After this, fields may be read where they must lie. */
export function wellFormed(r: Reply): boolean {
  const have = r.end - r.pos;
  const fixed = FIXED[r.type] as number;
  if (fixed >= 0) return have === fixed;
  switch (r.type) {
    case T.read + 1:
    case T.readdir + 1:
    case EXT.changes + 1:
      // count[4] data
      return have >= 4 && r.dv.getUint32(r.pos, true) === have - 4;
    case EXT.readdirplus + 1:
      // eof[1] count[4] data
      return have >= 5 && r.dv.getUint32(r.pos + 1, true) === have - 5;
    case T.walk + 1:
      // nwqid[2] nwqid×qid[13]
      return have >= 2 && r.dv.getUint16(r.pos, true) * 13 === have - 2;
    case T.readlink + 1:
      // target[s]
      return have >= 2 && r.dv.getUint16(r.pos, true) === have - 2;
    case T.getlock + 1:
      // type[1] start[8] length[8] proc_id[4] client_id[s]
      return have >= 23 && r.dv.getUint16(r.pos + 21, true) === have - 23;
    default:
      return false;
  }
}

/** What a message is called, for people. */
export function typeName(type: number): string {
  return BY_TYPE[type]?.name ?? `a message of type ${type}`;
}
