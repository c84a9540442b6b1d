// SPDX-License-Identifier: MIT
// Byte-range locks that belong to the open file description (fcntl(2), "Open file description locks").

import { EACCES, EAGAIN } from '../base/errno.ts';
import type { LockInfo, Off } from '../base/sys.ts';
import { c, interrupted, ret } from './libc.ts';
import { alloc, getOff, putOff } from './memory.ts';

const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;

/** struct flock on 64-bit machines: i16 type @0, i16 whence @2, i64 start @8, i64 len @16, i32 pid @24 (must be 0 for OFD locks). */
const flock = alloc(32);

function fill(type: number, start: Off, len: Off): void {
  flock.dv.setInt16(0, type, true);
  flock.dv.setInt16(2, 0, true);
  putOff(flock, 8, start);
  putOff(flock, 16, len);
  flock.dv.setInt32(24, 0, true);
}

export function ofdSetLock(fd: number, type: number, start: Off, len: Off): number {
  fill(type, start, len);
  let r: number;
  do r = ret(c.fcntl(fd, F_OFD_SETLK, flock.address));
  while (interrupted(r));
  // fcntl(2): either errno may say "in the way"; only EAGAIN leaves here.
  return r === -EACCES ? -EAGAIN : r;
}

export function ofdGetLock(fd: number, type: number, start: Off, len: Off, out: LockInfo): number {
  fill(type, start, len);
  let r: number;
  do r = ret(c.fcntl(fd, F_OFD_GETLK, flock.address));
  while (interrupted(r));
  if (r < 0) return r;
  out.type = flock.dv.getInt16(0, true);
  out.start = getOff(flock, 8);
  out.len = getOff(flock, 16);
  out.pid = flock.dv.getInt32(24, true);
  return 0;
}
