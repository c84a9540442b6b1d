// SPDX-License-Identifier: MIT

/**
 * The real `Sys`: Linux through koffi and libc. Everything here belongs to the calling thread; scratch memory is per thread because a worker
 * loads its own copy of these modules.
 *
 * What set-up steps need is in modules of their own, loaded by whoever needs them: mount.ts, net.ts, process.ts, landlock.ts.
 */
import type { Sys } from '../base/sys.ts';
import * as files from './files.ts';
import * as identity from './identity.ts';
import * as inode from './inode.ts';
import * as locks from './locks.ts';
import * as loop from './loop.ts';
import { alloc } from './memory.ts';
import * as names from './names.ts';
import { slow, startSyncfs } from './slow.ts';
import * as watch from './watch.ts';
import * as xattr from './xattr.ts';

/** Written out, not spread: an object literal keeps V8's fast properties, and calls through it can be inlined. */
const sys: Sys = {
  alloc,
  close: files.close,
  openat: names.openat,
  openat2: names.openat2,
  reopen: names.reopen,
  dup: files.dup,
  statat: inode.statat,
  stat: inode.stat,
  statfs: inode.statfs,
  read: files.read,
  write: files.write,
  write2: files.write2,
  pread: files.pread,
  pwrite: files.pwrite,
  preadNowait: files.preadNowait,
  cached: files.cached,
  send: files.send,
  recv: files.recv,
  sendfile: files.sendfile,
  lseek: files.lseek,
  getdents: files.getdents,
  mkdirat: names.mkdirat,
  mknodat: names.mknodat,
  symlinkat: names.symlinkat,
  linkFd: names.linkFd,
  unlinkat: names.unlinkat,
  renameat: names.renameat,
  readlinkFd: names.readlinkFd,
  fdPath: names.fdPath,
  chmodFd: inode.chmodFd,
  chownFd: inode.chownFd,
  utimensFd: inode.utimensFd,
  ftruncate: files.ftruncate,
  fallocate: files.fallocate,
  copyFileRange: files.copyFileRange,
  fsync: files.fsync,
  fdatasync: files.fdatasync,
  syncfs: files.syncfs,
  startWriteback: files.startWriteback,
  startSyncfs,
  getxattr: xattr.getxattr,
  setxattr: xattr.setxattr,
  listxattr: xattr.listxattr,
  removexattr: xattr.removexattr,
  ofdSetLock: locks.ofdSetLock,
  ofdGetLock: locks.ofdGetLock,
  fileHandle: inode.fileHandle,
  watchOpen: watch.watchOpen,
  watchAdd: watch.watchAdd,
  watchRemove: watch.watchRemove,
  poll: loop.poll,
  eventLoopFd: loop.eventLoopFd,
  eventLoopTimeout: loop.eventLoopTimeout,
  setFsIdentity: identity.setFsIdentity,
  geteuid: identity.geteuid,
  getegid: identity.getegid,
  umask: identity.umask,
  slow,
};

/** The one `Sys` of this thread. */
export function openSys(): Sys {
  return sys;
}
