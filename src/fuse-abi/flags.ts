// SPDX-License-Identifier: MIT

/** Flags of FUSE_INIT (include/uapi/linux/fuse.h). Bits 32 and up travel in `flags2` and are listed apart. */
export const INIT = {
  asyncRead: 1 << 0,
  posixLocks: 1 << 1,
  atomicOTrunc: 1 << 3,
  exportSupport: 1 << 4,
  bigWrites: 1 << 5,
  dontMask: 1 << 6,
  flockLocks: 1 << 10,
  autoInvalData: 1 << 12,
  doReaddirplus: 1 << 13,
  readdirplusAuto: 1 << 14,
  asyncDio: 1 << 15,
  writebackCache: 1 << 16,
  noOpenSupport: 1 << 17,
  parallelDirops: 1 << 18,
  handleKillpriv: 1 << 19,
  posixAcl: 1 << 20,
  abortError: 1 << 21,
  maxPages: 1 << 22,
  cacheSymlinks: 1 << 23,
  noOpendirSupport: 1 << 24,
  explicitInvalData: 1 << 25,
  handleKillprivV2: 1 << 28,
  setxattrExt: 1 << 29,
  initExt: 1 << 30,
} as const;

/** Bits of `flags2`: bit n here is flag 32 + n. */
export const INIT2 = {
  hasExpireOnly: 1 << 3,
  directIoAllowMmap: 1 << 4,
  passthrough: 1 << 5,
  noExportSupport: 1 << 6,
} as const;

/** `open_flags` of a reply to OPEN, CREATE and OPENDIR. */
export const FOPEN_DIRECT_IO = 1;
export const FOPEN_KEEP_CACHE = 2;
export const FOPEN_NONSEEKABLE = 4;
export const FOPEN_CACHE_DIR = 8;
export const FOPEN_STREAM = 16;
export const FOPEN_NOFLUSH = 32;
export const FOPEN_PARALLEL_DIRECT_WRITES = 64;

/** `open_flags` of a request OPEN or CREATE. */
export const OPEN_KILL_SUIDGID = 1;

/** `valid` of SETATTR. */
export const FATTR_MODE = 0x1;
export const FATTR_UID = 0x2;
export const FATTR_GID = 0x4;
export const FATTR_SIZE = 0x8;
export const FATTR_ATIME = 0x10;
export const FATTR_MTIME = 0x20;
export const FATTR_FH = 0x40;
export const FATTR_ATIME_NOW = 0x80;
export const FATTR_MTIME_NOW = 0x100;
export const FATTR_LOCKOWNER = 0x200;
export const FATTR_CTIME = 0x400;
export const FATTR_KILL_SUIDGID = 0x800;

/** `getattr_flags`: `fh` is set. */
export const GETATTR_FH = 1;
/** `write_flags`. */
export const WRITE_CACHE = 1;
export const WRITE_KILL_SUIDGID = 4;
/** `fsync_flags`. */
export const FSYNC_DATASYNC = 1;
/** `release_flags`. */
export const RELEASE_FLUSH = 1;
export const RELEASE_FLOCK_UNLOCK = 2;
/** `lk_flags`: flock(2), not fcntl(2). */
export const LK_FLOCK = 1;

/** `code` of a notification (the `error` field of a message whose `unique` is 0). */
export const NOTIFY_INVAL_INODE = 2;
export const NOTIFY_INVAL_ENTRY = 3;
export const NOTIFY_STORE = 4;

/** The node id of the mounted folder. */
export const ROOT_ID = 1;
/** d_ino for "not known". */
export const UNKNOWN_INO = 0xffffffff;
