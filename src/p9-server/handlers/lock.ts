// SPDX-License-Identifier: MIT

import { EACCES, EAGAIN, EBADF, EINVAL, EROFS } from '../../base/errno.ts';
import { F_UNLCK, type LockInfo, type Off } from '../../base/sys.ts';
import {
  LOCK_BLOCKED,
  LOCK_ERROR,
  LOCK_RDLCK,
  LOCK_SUCCESS,
  LOCK_UNLCK,
  LOCK_WRLCK,
  NAME_MAX,
} from '../../p9/constants.ts';
import { REPLIED } from '../backend.ts';
import type { Handler } from './index.ts';

const MAX_OFFSET = 0x7fffffffffffffffn;
const found: LockInfo = { type: 0, start: 0, len: 0, pid: 0 };

/** fcntl(2): start and end must fit in a signed 64-bit offset. */
function badRange(start: Off, length: Off): boolean {
  if (start > MAX_OFFSET) return true;
  return length !== 0 && BigInt(start) + BigInt(length) - 1n > MAX_OFFSET;
}

/** OFFSET_MAX as a length means "to the end", which a struct flock writes as 0. */
function lengthOf(start: Off, length: Off): Off {
  return typeof length === 'bigint' && BigInt(start) + length - 1n >= MAX_OFFSET ? 0 : length;
}

/**
 * Tlock fid[4] type[1] flags[4] start[8] length[8] proc_id[4] client_id[s] → Rlock status[1]
 *
 * A real lock of the file (fcntl F_OFD_SETLK), which local programs and other connections see. Its owner is (client_id, proc_id) on this connection, not the fid. Never waits:
 * BLOCKED tells the client to come again, whether or not it set LOCK_FLAGS_BLOCK.
 */
export const lock: Handler = (f, m, w) => {
  const fid = f.fid(m.fid);
  const file = fid?.open;
  if (fid === undefined || file === undefined || file.isDir) return -EBADF;
  if (m.lockType !== LOCK_RDLCK && m.lockType !== LOCK_WRLCK && m.lockType !== LOCK_UNLCK) return -EINVAL;
  if (badRange(m.start, m.length)) return -EINVAL;
  // It is kept as long as the lock: Linux sends the name of its machine.
  if (m.name.len > NAME_MAX) return -EINVAL;
  if (m.lockType === LOCK_WRLCK && f.options.readOnly) return -EROFS;
  if (m.lockType === LOCK_WRLCK && !file.canWrite) return -EBADF;
  if (m.lockType === LOCK_RDLCK && !file.canRead) return -EBADF;
  const r = f.locks.set(fid, file, m.procId, m.name, m.lockType, m.start, lengthOf(m.start, m.length));
  w.u8(r >= 0 ? LOCK_SUCCESS : r === -EAGAIN || r === -EACCES ? LOCK_BLOCKED : LOCK_ERROR);
  return REPLIED;
};

/** Tgetlock fid[4] type[1] start[8] length[8] proc_id[4] client_id[s] → Rgetlock, the same fields: the lock in the way, or type UNLCK. */
export const getlock: Handler = (f, m, w) => {
  const fid = f.fid(m.fid);
  const file = fid?.open;
  if (fid === undefined || file === undefined || file.isDir) return -EBADF;
  if (badRange(m.start, m.length)) return -EINVAL;
  // Asked as UNLCK, Linux' client means "would a write lock be free".
  const type = m.lockType === LOCK_RDLCK ? LOCK_RDLCK : LOCK_WRLCK;
  const r = f.locks.get(fid, file, m.procId, m.name, type, m.start, lengthOf(m.start, m.length), found);
  if (r < 0) return r;
  const free = found.type === F_UNLCK;
  w.u8(free ? LOCK_UNLCK : found.type);
  w.u64(free ? m.start : found.start);
  w.u64(free ? m.length : found.len);
  w.u32(free || found.pid < 0 ? 0 : found.pid);
  w.str(m.name);
  return REPLIED;
};
