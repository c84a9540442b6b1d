// SPDX-License-Identifier: MIT
// Calls by folder and path, for `PathSys`.

import { EOVERFLOW } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import type { PathSys } from '../base/path-sys.ts';
import { O_CLOEXEC, O_NOFOLLOW, type Off } from '../base/sys.ts';
import { openFlags } from './arch.ts';
import { openSys } from './index.ts';
import { c, declare, interrupted, ret, SYS } from './libc.ts';
import { alloc, at, decimal, pathOf, putOff } from './memory.ts';

const AT_SYMLINK_NOFOLLOW = 0x100;
const MAX_HANDLE = 128;
const STATFS_SIZE = 120;
const MSG_NOSIGNAL = 0x4000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const CAP_VERSION_3 = 0x20080522;

const f = {
  fchmodat: declare('fchmodat', ['int', 'uintptr_t', 'uint32_t', 'int']),
  fchdir: declare('fchdir', ['int']),
  truncate: declare('truncate', ['uintptr_t', 'int64_t']),
  statfs: declare('statfs', ['uintptr_t', 'uintptr_t']),
  lgetxattr: declare('lgetxattr', ['uintptr_t', 'uintptr_t', 'uintptr_t', 'size_t'], 'int64_t'),
  lsetxattr: declare('lsetxattr', ['uintptr_t', 'uintptr_t', 'uintptr_t', 'size_t', 'int']),
  llistxattr: declare('llistxattr', ['uintptr_t', 'uintptr_t', 'size_t'], 'int64_t'),
  lremovexattr: declare('lremovexattr', ['uintptr_t', 'uintptr_t']),
  sendmsg: declare('sendmsg', ['int', 'uintptr_t', 'int'], 'int64_t'),
};

const times = alloc(32);
const handle = alloc(8 + MAX_HANDLE + 4);
const number = alloc(16);

function readlinkat(dirfd: number, path: Mem, mem: Mem, off: number, len: number): number {
  const p = at(mem, off, len);
  let r: number;
  do r = ret(c.readlinkat(dirfd, pathOf(path), p, len));
  while (interrupted(r));
  return r;
}

function chownat(dirfd: number, path: Mem, uid: number, gid: number): number {
  let r: number;
  do r = ret(c.fchownat(dirfd, pathOf(path), uid >>> 0, gid >>> 0, AT_SYMLINK_NOFOLLOW));
  while (interrupted(r));
  return r;
}

function utimensat(dirfd: number, path: Mem, aSec: Off, aNsec: Off, mSec: Off, mNsec: Off): number {
  putOff(times, 0, aSec);
  putOff(times, 8, aNsec);
  putOff(times, 16, mSec);
  putOff(times, 24, mNsec);
  let r: number;
  do r = ret(c.utimensat(dirfd, pathOf(path), times.address, AT_SYMLINK_NOFOLLOW));
  while (interrupted(r));
  return r;
}

function linkat(oldDir: number, oldPath: Mem, newDir: number, newPath: Mem): number {
  let r: number;
  do r = ret(c.linkat(oldDir, pathOf(oldPath), newDir, pathOf(newPath), 0));
  while (interrupted(r));
  return r;
}

function chmodat(dirfd: number, path: Mem, mode: number): number {
  let r: number;
  do r = ret(f.fchmodat(dirfd, pathOf(path), mode, 0));
  while (interrupted(r));
  return r;
}

function handleAt(dirfd: number, path: Mem, mem: Mem): number {
  const { dv } = handle;
  dv.setUint32(0, MAX_HANDLE, true);
  let r: number;
  do r = ret(c.name_to_handle_at(dirfd, pathOf(path), handle.address, handle.address + 8 + MAX_HANDLE, 0));
  while (interrupted(r));
  if (r < 0) return r;
  const length = 4 + dv.getUint32(0, true);
  if (length > mem.size) return -EOVERFLOW;
  for (let i = 0; i < length; i++) mem.u8[i] = handle.u8[4 + i] as number;
  return length;
}

const fchdir = (fd: number): number => ret(f.fchdir(fd));

function truncate(path: Mem, size: Off): number {
  let r: number;
  do r = ret(f.truncate(pathOf(path), size));
  while (interrupted(r));
  return r;
}

function statfsName(path: Mem, out: Mem): number {
  const p = at(out, 0, STATFS_SIZE);
  let r: number;
  do r = ret(f.statfs(pathOf(path), p));
  while (interrupted(r));
  return r;
}

function lgetxattr(path: Mem, name: Mem, value: Mem, off: number, len: number): number {
  const p = at(value, off, len);
  let r: number;
  do r = ret(f.lgetxattr(pathOf(path), pathOf(name), p, len));
  while (interrupted(r));
  return r;
}

function lsetxattr(path: Mem, name: Mem, value: Mem, off: number, len: number, flags: number): number {
  const p = at(value, off, len);
  let r: number;
  do r = ret(f.lsetxattr(pathOf(path), pathOf(name), p, len, flags));
  while (interrupted(r));
  return r;
}

function llistxattr(path: Mem, list: Mem, off: number, len: number): number {
  const p = at(list, off, len);
  let r: number;
  do r = ret(f.llistxattr(pathOf(path), p, len));
  while (interrupted(r));
  return r;
}

function lremovexattr(path: Mem, name: Mem): number {
  let r: number;
  do r = ret(f.lremovexattr(pathOf(path), pathOf(name)));
  while (interrupted(r));
  return r;
}

function reopenVia(procFd: number, fd: number, flags: number): number {
  decimal(number, 0, fd);
  // O_NOFOLLOW would refuse the magic link itself.
  const wanted = (openFlags(flags) & ~openFlags(O_NOFOLLOW)) | O_CLOEXEC;
  let r: number;
  do r = ret(c.openat(procFd, number.address, wanted, 0));
  while (interrupted(r));
  return r;
}

function recvWaiting(socket: number, mem: Mem, off: number, len: number): number {
  const p = at(mem, off, len);
  let r: number;
  do r = ret(c.recv(socket, p, len, 0));
  while (interrupted(r));
  return r;
}

function sendWaiting(socket: number, mem: Mem, off: number, len: number): number {
  const p = at(mem, off, len);
  let r: number;
  do r = ret(c.send(socket, p, len, MSG_NOSIGNAL));
  while (interrupted(r));
  return r;
}

/** struct msghdr @0 (56 bytes), struct iovec @56, control @72: struct cmsghdr { size_t len; int level; int type; } and one int (cmsg(3)). */
const IOV = 56;
const CONTROL = 72;
const ONE_FD = 20;
/** CMSG_SPACE of one int. */
const CONTROL_SPACE = 24;
const message = alloc(CONTROL + CONTROL_SPACE);
putOff(message, 16, message.address + IOV);
putOff(message, 24, 1);
putOff(message, 32, message.address + CONTROL);
putOff(message, 40, CONTROL_SPACE);
putOff(message, CONTROL, ONE_FD);
message.dv.setInt32(CONTROL + 8, SOL_SOCKET, true);
message.dv.setInt32(CONTROL + 12, SCM_RIGHTS, true);

function sendWithFd(socket: number, fd: number, mem: Mem, off: number, len: number): number {
  putOff(message, IOV, at(mem, off, len));
  putOff(message, IOV + 8, len);
  message.dv.setInt32(CONTROL + 16, fd, true);
  let r: number;
  do r = ret(f.sendmsg(socket, message.address, MSG_NOSIGNAL));
  while (interrupted(r));
  return r;
}

function chmodVia(procFd: number, fd: number, mode: number): number {
  decimal(number, 0, fd);
  return chmodat(procFd, number, mode);
}

const setFsUid = (uid: number): number => c.syscall(SYS.setfsuid, uid, 0, 0, 0, 0);
const setFsGid = (gid: number): number => c.syscall(SYS.setfsgid, gid, 0, 0, 0, 0);

const capHeader = alloc(8);
capHeader.dv.setUint32(0, CAP_VERSION_3, true);
/** Two sets of three words: effective, permitted, inheritable. */
const caps = alloc(24);
let permitted = -1;

function setEffective(mask: number): number {
  if (permitted < 0) {
    const r = ret(c.syscall(SYS.capget, capHeader.address, caps.address, 0, 0, 0));
    if (r < 0) return r;
    permitted = caps.dv.getUint32(4, true);
  }
  caps.dv.setUint32(0, (mask & permitted) >>> 0, true);
  return ret(c.syscall(SYS.capset, capHeader.address, caps.address, 0, 0, 0));
}

/** The one `PathSys` of this thread. Its permitted capabilities must not shrink after the first `setEffective`. */
export function openPathSys(): PathSys {
  return {
    ...openSys(),
    readlinkat,
    chownat,
    utimensat,
    linkat,
    chmodat,
    handleAt,
    fchdir,
    truncate,
    statfsName,
    lgetxattr,
    lsetxattr,
    llistxattr,
    lremovexattr,
    reopenVia,
    chmodVia,
    recvWaiting,
    sendWaiting,
    sendWithFd,
    setFsUid,
    setFsGid,
    setEffective,
  };
}
