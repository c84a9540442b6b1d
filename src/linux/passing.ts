// SPDX-License-Identifier: MIT
// Descriptors passed over a Unix socket (SCM_RIGHTS): cmsg(3), unix(7).

import { ECONNRESET, EPROTO } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { declare, interrupted, ret } from './libc.ts';
import { alloc, at, putOff } from './memory.ts';

const sendmsg = declare('sendmsg', ['int', 'uintptr_t', 'int'], 'int64_t');
const recvmsg = declare('recvmsg', ['int', 'uintptr_t', 'int'], 'int64_t');

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
/** struct cmsghdr { size_t len; int level; int type; } and one int. CMSG_SPACE would have room for a second descriptor. */
const ONE_FD = 20;

/** struct msghdr @0 (56 bytes), struct iovec @56, one byte of data @72, control @80. */
const m = alloc(80 + 24);
const IOV = 56;
const DATA = 72;
const CONTROL = 80;

function prepare(): void {
  m.u8.fill(0);
  putOff(m, 16, m.address + IOV);
  putOff(m, 24, 1);
  putOff(m, 32, m.address + CONTROL);
  putOff(m, 40, ONE_FD);
  putOff(m, IOV, m.address + DATA);
  putOff(m, IOV + 8, 1);
}

/** Sends one byte with a descriptor; the sender's stays open. Returns 0 or -errno. */
export function sendFd(socket: number, fd: number): number {
  prepare();
  putOff(m, CONTROL, ONE_FD);
  m.dv.setInt32(CONTROL + 8, SOL_SOCKET, true);
  m.dv.setInt32(CONTROL + 12, SCM_RIGHTS, true);
  m.dv.setInt32(CONTROL + 16, fd, true);
  let r: number;
  do r = ret(sendmsg(socket, m.address, MSG_NOSIGNAL));
  while (interrupted(r));
  return Math.min(r, 0);
}

/**
 * Waits for one byte with one descriptor and returns it, close-on-exec. -ECONNRESET: the other end closed; -EPROTO: bytes without
 * a descriptor. A second descriptor in the same message is not taken in by the kernel.
 */
export function recvFd(socket: number): number {
  prepare();
  let r: number;
  do r = ret(recvmsg(socket, m.address, MSG_CMSG_CLOEXEC));
  while (interrupted(r));
  if (r < 0) return r;
  if (r === 0) return -ECONNRESET;
  const got =
    m.dv.getUint32(40, true) >= ONE_FD &&
    m.dv.getInt32(CONTROL + 8, true) === SOL_SOCKET &&
    m.dv.getInt32(CONTROL + 12, true) === SCM_RIGHTS;
  return got ? m.dv.getInt32(CONTROL + 16, true) : -EPROTO;
}

/** A second message structure for payloads of any length: struct msghdr @0, struct iovec @56, control @72. */
const CONTROL_ROOM = 24;
const w = alloc(72 + CONTROL_ROOM);

/**
 * Waits for up to `len` bytes; a descriptor that came with them is left in `out.fd`, close-on-exec, else -1. Returns the number of bytes, 0
 * at the end of the stream, or -errno.
 */
export function recvWithFd(socket: number, mem: Mem, off: number, len: number, out: { fd: number }): number {
  out.fd = -1;
  w.u8.fill(0);
  putOff(w, 16, w.address + 56);
  putOff(w, 24, 1);
  putOff(w, 32, w.address + 72);
  putOff(w, 40, CONTROL_ROOM);
  putOff(w, 56, at(mem, off, len));
  putOff(w, 64, len);
  let r: number;
  do r = ret(recvmsg(socket, w.address, MSG_CMSG_CLOEXEC));
  while (interrupted(r));
  if (r < 0) return r;
  const got =
    w.dv.getUint32(40, true) >= ONE_FD &&
    w.dv.getInt32(72 + 8, true) === SOL_SOCKET &&
    w.dv.getInt32(72 + 12, true) === SCM_RIGHTS;
  if (got) out.fd = w.dv.getInt32(72 + 16, true);
  return r;
}
