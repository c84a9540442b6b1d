// SPDX-License-Identifier: MIT

/** The dialect of Linux: include/net/9p/9p.h, diod's protocol.md. */
export const VERSION = '9P2000.L';
/**
 * The dialect plus Ninefold's promises, asked for by our client and answered in kind by our server; anyone else answers
 * `9P2000.L` or `unknown`. The promises: requests of one connection take effect in the order in which they were sent (so a
 * client may use a fid or name before the reply that makes it has come), and the messages of rows marked `ext`.
 * The part after the second dot is what version(5) calls a period-separated extension.
 */
export const VERSION_EXT = '9P2000.L.ninefold';

export const NOTAG = 0xffff;
export const NOFID = 0xffffffff;
export const NONUNAME = 0xffffffff;
/** Names in one Twalk. */
export const MAXWELEM = 16;
/** size[4] type[1] tag[2] */
export const HEADER = 7;
/** What a reader must leave for the header of Tread/Twrite when it divides msize: size[4] type[1] tag[2] fid[4] offset[8] count[4], rounded up. */
export const IOHDRSZ = 24;
/** Rread and Rreaddir: header and count[4]. */
export const RREAD_HEADER = 11;
/** Twrite: header, fid[4], offset[8], count[4]. */
export const TWRITE_HEADER = 23;
/** The least msize that Linux' client takes. */
export const MIN_MSIZE = 4096;
/** The most that we offer: 1 MiB of data and a header (see docs/LIMITS.md). */
export const MAX_MSIZE = 1024 * 1024 + IOHDRSZ;
export const NAME_MAX = 255;

export const QTDIR = 0x80;
export const QTSYMLINK = 0x02;
export const QTFILE = 0x00;

/** Tgetattr request_mask, Rgetattr valid. */
export const GETATTR_BASIC = 0x7ff;
export const GETATTR_BTIME = 0x800;
export const GETATTR_GEN = 0x1000;
export const GETATTR_DATA_VERSION = 0x2000;
export const GETATTR_ALL = 0x3fff;

/** Tsetattr valid. */
export const SETATTR_MODE = 0x1;
export const SETATTR_UID = 0x2;
export const SETATTR_GID = 0x4;
export const SETATTR_SIZE = 0x8;
export const SETATTR_ATIME = 0x10;
export const SETATTR_MTIME = 0x20;
export const SETATTR_CTIME = 0x40;
export const SETATTR_ATIME_SET = 0x80;
export const SETATTR_MTIME_SET = 0x100;

/** `what` of a record of Rchanges: the name came, went, or stands for another object now. */
export const CHANGE_ENTRY = 1;
/** Attributes or bytes of the object with that name changed. */
export const CHANGE_OBJECT = 2;
/** The folder's own attributes changed; the name is empty. */
export const CHANGE_SELF = 4;
/** The watch has ended, changes may have gone untold; the name is empty. */
export const CHANGE_LOST = 8;
/** As the id of a record with CHANGE_LOST: all watches have. */
export const ALL_WATCHES = 0xffffffff;

/** Tlock, Tgetlock. */
export const LOCK_RDLCK = 0;
export const LOCK_WRLCK = 1;
export const LOCK_UNLCK = 2;
export const LOCK_FLAGS_BLOCK = 1;
export const LOCK_FLAGS_RECLAIM = 2;
export const LOCK_SUCCESS = 0;
export const LOCK_BLOCKED = 1;
export const LOCK_ERROR = 2;
export const LOCK_GRACE = 3;
