// SPDX-License-Identifier: MIT

import type { Span } from '../base/mem.ts';
import type { Coder } from './coder.ts';
import { MAXWELEM } from './constants.ts';
import type { Msg, Qid } from './msg.ts';

/** A row of the table: one message, its number, and its fields in wire order. */
export interface Row {
  readonly type: number;
  readonly name: string;
  readonly body: (c: Coder, m: Msg) => void;
}

const none = (): void => {};
const fidOnly = (c: Coder, m: Msg): void => {
  m.fid = c.u32(m.fid);
};
const qidOnly = (c: Coder, m: Msg): void => {
  c.qid(m.qid);
};
const qidIounit = (c: Coder, m: Msg): void => {
  c.qid(m.qid);
  m.iounit = c.u32(m.iounit);
};
const version = (c: Coder, m: Msg): void => {
  m.msize = c.u32(m.msize);
  c.str(m.name);
};
const payload = (c: Coder, m: Msg): void => {
  c.data(m.data);
};
const fidOffsetCount = (c: Coder, m: Msg): void => {
  m.fid = c.u32(m.fid);
  m.offset = c.u64(m.offset);
  m.count = c.u32(m.count);
};
const lockRange = (c: Coder, m: Msg): void => {
  m.start = c.u64(m.start);
  m.length = c.u64(m.length);
  m.procId = c.u32(m.procId);
  c.str(m.name);
};

/** What getattr tells: of an object, or of an entry on the way. */
const attributes = (c: Coder, m: Msg): void => {
  const a = m.attr;
  m.mask = c.u64(m.mask);
  c.qid(m.qid);
  a.mode = c.u32(a.mode);
  a.uid = c.u32(a.uid);
  a.gid = c.u32(a.gid);
  a.nlink = c.u64(a.nlink);
  a.rdev = c.u64(a.rdev);
  a.size = c.u64(a.size);
  a.blksize = c.u64(a.blksize);
  a.blocks = c.u64(a.blocks);
  a.atimeSec = c.u64(a.atimeSec);
  a.atimeNsec = c.u64(a.atimeNsec);
  a.mtimeSec = c.u64(a.mtimeSec);
  a.mtimeNsec = c.u64(a.mtimeNsec);
  a.ctimeSec = c.u64(a.ctimeSec);
  a.ctimeNsec = c.u64(a.ctimeNsec);
  a.btimeSec = c.u64(a.btimeSec);
  a.btimeNsec = c.u64(a.btimeNsec);
  a.gen = c.u64(a.gen);
  a.dataVersion = c.u64(a.dataVersion);
};

/**
 * Every message of 9P2000.L, its fields declared once for both directions. Source: diod's protocol.md, Linux net/9p/client.c.
 * The comment is the body on the wire, after size[4] type[1] tag[2].
 */
export const ROWS: readonly Row[] = [
  // ecode[4]
  row(7, 'Rlerror', (c, m) => {
    m.ecode = c.u32(m.ecode);
  }),
  row(8, 'Tstatfs', fidOnly),
  // type[4] bsize[4] blocks[8] bfree[8] bavail[8] files[8] ffree[8] fsid[8] namelen[4]
  row(9, 'Rstatfs', (c, m) => {
    const s = m.statfs;
    s.type = c.u32(s.type);
    s.bsize = c.u32(s.bsize);
    s.blocks = c.u64(s.blocks);
    s.bfree = c.u64(s.bfree);
    s.bavail = c.u64(s.bavail);
    s.files = c.u64(s.files);
    s.ffree = c.u64(s.ffree);
    s.fsid = c.u64(s.fsid);
    s.namelen = c.u32(s.namelen);
  }),
  // fid[4] flags[4]
  row(12, 'Tlopen', (c, m) => {
    m.fid = c.u32(m.fid);
    m.flags = c.u32(m.flags);
  }),
  row(13, 'Rlopen', qidIounit),
  // fid[4] name[s] flags[4] mode[4] gid[4]
  row(14, 'Tlcreate', (c, m) => {
    m.fid = c.u32(m.fid);
    c.str(m.name);
    m.flags = c.u32(m.flags);
    m.mode = c.u32(m.mode);
    m.gid = c.u32(m.gid);
  }),
  row(15, 'Rlcreate', qidIounit),
  // dfid[4] name[s] target[s] gid[4]
  row(16, 'Tsymlink', (c, m) => {
    m.dfid = c.u32(m.dfid);
    c.str(m.name);
    c.str(m.name2);
    m.gid = c.u32(m.gid);
  }),
  row(17, 'Rsymlink', qidOnly),
  // dfid[4] name[s] mode[4] major[4] minor[4] gid[4]
  row(18, 'Tmknod', (c, m) => {
    m.dfid = c.u32(m.dfid);
    c.str(m.name);
    m.mode = c.u32(m.mode);
    m.major = c.u32(m.major);
    m.minor = c.u32(m.minor);
    m.gid = c.u32(m.gid);
  }),
  row(19, 'Rmknod', qidOnly),
  // fid[4] dfid[4] name[s]
  row(20, 'Trename', (c, m) => {
    m.fid = c.u32(m.fid);
    m.dfid = c.u32(m.dfid);
    c.str(m.name);
  }),
  row(21, 'Rrename', none),
  row(22, 'Treadlink', fidOnly),
  // target[s]
  row(23, 'Rreadlink', (c, m) => {
    c.str(m.name2);
  }),
  // fid[4] request_mask[8]
  row(24, 'Tgetattr', (c, m) => {
    m.fid = c.u32(m.fid);
    m.mask = c.u64(m.mask);
  }),
  // valid[8] qid[13] mode[4] uid[4] gid[4] nlink[8] rdev[8] size[8] blksize[8] blocks[8] atime[16] mtime[16] ctime[16] btime[16] gen[8] data_version[8]
  row(25, 'Rgetattr', attributes),
  // fid[4] valid[4] mode[4] uid[4] gid[4] size[8] atime_sec[8] atime_nsec[8] mtime_sec[8] mtime_nsec[8]
  row(26, 'Tsetattr', (c, m) => {
    const a = m.attr;
    m.fid = c.u32(m.fid);
    m.mask = c.u32(Number(m.mask));
    a.mode = c.u32(a.mode);
    a.uid = c.u32(a.uid);
    a.gid = c.u32(a.gid);
    a.size = c.u64(a.size);
    a.atimeSec = c.u64(a.atimeSec);
    a.atimeNsec = c.u64(a.atimeNsec);
    a.mtimeSec = c.u64(a.mtimeSec);
    a.mtimeNsec = c.u64(a.mtimeNsec);
  }),
  row(27, 'Rsetattr', none),
  // fid[4] newfid[4] name[s]
  row(30, 'Txattrwalk', (c, m) => {
    m.fid = c.u32(m.fid);
    m.newfid = c.u32(m.newfid);
    c.str(m.name);
  }),
  // size[8]
  row(31, 'Rxattrwalk', (c, m) => {
    m.size = c.u64(m.size);
  }),
  // fid[4] name[s] attr_size[8] flags[4]
  row(32, 'Txattrcreate', (c, m) => {
    m.fid = c.u32(m.fid);
    c.str(m.name);
    m.size = c.u64(m.size);
    m.flags = c.u32(m.flags);
  }),
  row(33, 'Rxattrcreate', none),
  row(40, 'Treaddir', fidOffsetCount),
  row(41, 'Rreaddir', payload),
  // fid[4] datasync[4]
  row(50, 'Tfsync', (c, m) => {
    m.fid = c.u32(m.fid);
    m.datasync = c.u32(m.datasync);
  }),
  row(51, 'Rfsync', none),
  // fid[4] type[1] flags[4] start[8] length[8] proc_id[4] client_id[s]
  row(52, 'Tlock', (c, m) => {
    m.fid = c.u32(m.fid);
    m.lockType = c.u8(m.lockType);
    m.flags = c.u32(m.flags);
    lockRange(c, m);
  }),
  // status[1]
  row(53, 'Rlock', (c, m) => {
    m.status = c.u8(m.status);
  }),
  // fid[4] type[1] start[8] length[8] proc_id[4] client_id[s]
  row(54, 'Tgetlock', (c, m) => {
    m.fid = c.u32(m.fid);
    m.lockType = c.u8(m.lockType);
    lockRange(c, m);
  }),
  // type[1] start[8] length[8] proc_id[4] client_id[s]
  row(55, 'Rgetlock', (c, m) => {
    m.lockType = c.u8(m.lockType);
    lockRange(c, m);
  }),
  // dfid[4] fid[4] name[s]
  row(70, 'Tlink', (c, m) => {
    m.dfid = c.u32(m.dfid);
    m.fid = c.u32(m.fid);
    c.str(m.name);
  }),
  row(71, 'Rlink', none),
  // dfid[4] name[s] mode[4] gid[4]
  row(72, 'Tmkdir', (c, m) => {
    m.dfid = c.u32(m.dfid);
    c.str(m.name);
    m.mode = c.u32(m.mode);
    m.gid = c.u32(m.gid);
  }),
  row(73, 'Rmkdir', qidOnly),
  // olddirfid[4] oldname[s] newdirfid[4] newname[s]
  row(74, 'Trenameat', (c, m) => {
    m.fid = c.u32(m.fid);
    c.str(m.name);
    m.newdirfid = c.u32(m.newdirfid);
    c.str(m.name2);
  }),
  row(75, 'Rrenameat', none),
  // dirfid[4] name[s] flags[4]
  row(76, 'Tunlinkat', (c, m) => {
    m.fid = c.u32(m.fid);
    c.str(m.name);
    m.flags = c.u32(m.flags);
  }),
  row(77, 'Runlinkat', none),
  // msize[4] version[s]
  row(100, 'Tversion', version),
  row(101, 'Rversion', version),
  // afid[4] uname[s] aname[s] n_uname[4]
  row(102, 'Tauth', (c, m) => {
    m.afid = c.u32(m.afid);
    c.str(m.name);
    c.str(m.name2);
    m.nuname = c.u32(m.nuname);
  }),
  row(103, 'Rauth', qidOnly),
  // fid[4] afid[4] uname[s] aname[s] n_uname[4]
  row(104, 'Tattach', (c, m) => {
    m.fid = c.u32(m.fid);
    m.afid = c.u32(m.afid);
    c.str(m.name);
    c.str(m.name2);
    m.nuname = c.u32(m.nuname);
  }),
  row(105, 'Rattach', qidOnly),
  // oldtag[2]
  row(108, 'Tflush', (c, m) => {
    m.oldtag = c.u16(m.oldtag);
  }),
  row(109, 'Rflush', none),
  // fid[4] newfid[4] nwname[2] nwname×name[s]
  row(110, 'Twalk', (c, m) => {
    m.fid = c.u32(m.fid);
    m.newfid = c.u32(m.newfid);
    m.nwname = c.u16(m.nwname);
    // More than MAXWELEM is refused by the server as EINVAL; here it leaves bytes over, which is malformed.
    const n = Math.min(m.nwname, MAXWELEM);
    for (let i = 0; i < n; i++) c.str(m.names[i] as Span);
  }),
  // nwqid[2] nwqid×qid[13]
  row(111, 'Rwalk', (c, m) => {
    m.nwqid = c.u16(m.nwqid);
    const n = Math.min(m.nwqid, MAXWELEM);
    for (let i = 0; i < n; i++) c.qid(m.qids[i] as Qid);
  }),
  row(116, 'Tread', fidOffsetCount),
  row(117, 'Rread', payload),
  // fid[4] offset[8] count[4] data
  row(118, 'Twrite', (c, m) => {
    m.fid = c.u32(m.fid);
    m.offset = c.u64(m.offset);
    c.data(m.data);
  }),
  // count[4]
  row(119, 'Rwrite', (c, m) => {
    m.count = c.u32(m.count);
  }),
  row(120, 'Tclunk', fidOnly),
  row(121, 'Rclunk', none),
  row(122, 'Tremove', fidOnly),
  row(123, 'Rremove', none),

  // Ninefold's own, between peers that agreed on VERSION_EXT. docs/EXTENSIONS.md says what they promise.
  row(140, 'Treaddirplus', fidOffsetCount),
  // eof[1] count[4] data; an entry is the body of Rgetattr[153] offset[8] name[s]
  row(141, 'Rreaddirplus', (c, m) => {
    m.status = c.u8(m.status);
    c.data(m.data);
  }),
  // fid[4] name[s]
  row(142, 'Tlookup', (c, m) => {
    m.fid = c.u32(m.fid);
    c.str(m.name);
  }),
  row(143, 'Rlookup', attributes),
  // fid[4] id[4]
  row(144, 'Twatch', (c, m) => {
    m.fid = c.u32(m.fid);
    m.id = c.u32(m.id);
  }),
  row(145, 'Rwatch', none),
  // id[4]
  row(146, 'Tunwatch', (c, m) => {
    m.id = c.u32(m.id);
  }),
  row(147, 'Runwatch', none),
  row(148, 'Tchanges', none),
  // count[4] data; a record is id[4] what[1] name[s]
  row(149, 'Rchanges', payload),
];

function row(type: number, name: string, body: Row['body']): Row {
  return { type, name, body };
}

/** The row of a message type, undefined for a number that 9P2000.L does not have. A reply's type is its request's plus one. */
export const BY_TYPE: readonly (Row | undefined)[] = Array.from({ length: 256 }, (_, type) =>
  ROWS.find((r) => r.type === type),
);

/** Requests by the name used on command lines: `walk` for Twalk. */
export const OPERATIONS: ReadonlyMap<string, number> = new Map(
  ROWS.filter((r) => r.name.startsWith('T')).map((r) => [r.name.slice(1), r.type]),
);

/** Message numbers by name, for code that sends or handles one. */
export const T = {
  statfs: 8,
  lopen: 12,
  lcreate: 14,
  symlink: 16,
  mknod: 18,
  rename: 20,
  readlink: 22,
  getattr: 24,
  setattr: 26,
  xattrwalk: 30,
  xattrcreate: 32,
  readdir: 40,
  fsync: 50,
  lock: 52,
  getlock: 54,
  link: 70,
  mkdir: 72,
  renameat: 74,
  unlinkat: 76,
  version: 100,
  auth: 102,
  attach: 104,
  flush: 108,
  walk: 110,
  read: 116,
  write: 118,
  clunk: 120,
  remove: 122,
  readdirplus: 140,
  lookup: 142,
  watch: 144,
  unwatch: 146,
  changes: 148,
} as const;
export const RLERROR = 7;
