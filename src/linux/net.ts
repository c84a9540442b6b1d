// SPDX-License-Identifier: MIT

/**
 * Sockets as plain descriptors, for what Node cannot do (vsock, the peer's credentials) and for the data plane, which reads and writes
 * descriptors itself. Every function returns ≥ 0 (often a new close-on-exec descriptor, the caller's to close) or -errno; none throws.
 * Sources: socket(7), unix(7), vsock(7), ip(7).
 */
import { EINPROGRESS, EINVAL } from '../base/errno.ts';
import { O_CLOEXEC, O_NONBLOCK } from '../base/sys.ts';
import { setNonblocking } from './descriptors.ts';
import { c, declare, interrupted, ret } from './libc.ts';
import { alloc } from './memory.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_VSOCK,
  getAddress,
  putAddress,
  SOCKADDR_MAX,
  type SocketAddress,
} from './sockaddr.ts';

export { pipe, setNonblocking } from './descriptors.ts';
export type { SocketAddress } from './sockaddr.ts';

export const SOCK_STREAM = 1;
export const SOCK_SEQPACKET = 5;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_TYPE = 3;
const SO_ERROR = 4;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_PEERCRED = 17;
const SO_ACCEPTCONN = 30;
const SO_DOMAIN = 39;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

const f = {
  socket: declare('socket', ['int', 'int', 'int']),
  socketpair: declare('socketpair', ['int', 'int', 'int', 'uintptr_t']),
  connect: declare('connect', ['int', 'uintptr_t', 'uint32_t']),
  bind: declare('bind', ['int', 'uintptr_t', 'uint32_t']),
  listen: declare('listen', ['int', 'int']),
  accept4: declare('accept4', ['int', 'uintptr_t', 'uintptr_t', 'int']),
  getsockname: declare('getsockname', ['int', 'uintptr_t', 'uintptr_t']),
  getpeername: declare('getpeername', ['int', 'uintptr_t', 'uintptr_t']),
  getsockopt: declare('getsockopt', ['int', 'int', 'int', 'uintptr_t', 'uintptr_t']),
  setsockopt: declare('setsockopt', ['int', 'int', 'int', 'uintptr_t', 'uint32_t']),
  shutdown: declare('shutdown', ['int', 'int']),
};

const address = alloc(SOCKADDR_MAX);
const value = alloc(16);
const length = alloc(4);

/** Two connected Unix sockets, blocking, into `out`: of streams, or of messages (SOCK_SEQPACKET). */
export function socketpair(out: [number, number], type = SOCK_STREAM): number {
  const r = ret(f.socketpair(AF_UNIX, type | O_CLOEXEC, 0, value.address));
  if (r < 0) return r;
  out[0] = value.dv.getInt32(0, true);
  out[1] = value.dv.getInt32(4, true);
  return 0;
}

function familyOf(a: SocketAddress): number {
  if (a.kind === 'unix') return AF_UNIX;
  if (a.kind === 'vsock') return AF_VSOCK;
  return a.family === 6 ? AF_INET6 : AF_INET;
}

function nonblockingSocket(a: SocketAddress): number {
  return ret(f.socket(familyOf(a), SOCK_STREAM | O_CLOEXEC | O_NONBLOCK, 0));
}

/**
 * A non-blocking stream socket that has begun to connect; poll it for POLLOUT, then ask `connectResult`. -EAGAIN: a Unix socket's queue is full
 * just now. -EINVAL: no such address (a path over 107 bytes, a host that is no number).
 */
export function connectStart(to: SocketAddress): number {
  const size = putAddress(address, to);
  if (size === 0) return -EINVAL;
  const fd = nonblockingSocket(to);
  if (fd < 0) return fd;
  const r = ret(f.connect(fd, address.address, size));
  // connect(2): interrupted, it goes on by itself, as if it had answered EINPROGRESS.
  if (r === 0 || r === -EINPROGRESS || interrupted(r)) return fd;
  c.close(fd);
  return r;
}

/** 0 once connected, or the attempt's -errno (SO_ERROR). */
export function connectResult(fd: number): number {
  const r = intOption(fd, SOL_SOCKET, SO_ERROR);
  return r > 0 ? -r : r;
}

/**
 * A non-blocking listening socket. `mode`: permissions that a Unix socket has from the moment its name appears. TCP addresses are reused
 * after a restart (SO_REUSEADDR); port 0 lets the kernel choose (see `localAddress`).
 */
export function listen(at: SocketAddress, backlog: number, mode: number): number {
  const size = putAddress(address, at);
  if (size === 0) return -EINVAL;
  const fd = nonblockingSocket(at);
  if (fd < 0) return fd;
  let r = at.kind === 'tcp' ? setIntOption(fd, SOL_SOCKET, SO_REUSEADDR, 1) : 0;
  if (r === 0) {
    // bind(2) makes a socket's inode with 0777 less the umask: this way there is no moment with wider permissions.
    const old = at.kind === 'unix' ? c.umask(0o777 & ~mode) : 0;
    r = ret(f.bind(fd, address.address, size));
    if (at.kind === 'unix') c.umask(old);
  }
  if (r === 0) r = ret(f.listen(fd, backlog));
  if (r === 0) return fd;
  c.close(fd);
  return r;
}

/** A connected, blocking descriptor; -EAGAIN when nobody waits. */
export function accept(fd: number): number {
  let r: number;
  do r = ret(f.accept4(fd, 0, 0, O_CLOEXEC));
  while (interrupted(r));
  return r;
}

/** 1 if the descriptor is a listening stream socket, 0 if it is anything else that is open. */
export function isListening(fd: number): number {
  const type = intOption(fd, SOL_SOCKET, SO_TYPE);
  if (type === -88) return 0;
  if (type < 0) return type;
  return type === SOCK_STREAM ? intOption(fd, SOL_SOCKET, SO_ACCEPTCONN) : 0;
}

/** SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5; -ENOTSOCK (88). */
export function socketType(fd: number): number {
  return intOption(fd, SOL_SOCKET, SO_TYPE);
}

/** A stream socket of this machine, connected or once connected. Asks nothing of a file system: who passes a descriptor of a file may be the one that answers there. */
export const isUnixStream = (fd: number): boolean =>
  intOption(fd, SOL_SOCKET, SO_DOMAIN) === AF_UNIX &&
  intOption(fd, SOL_SOCKET, SO_TYPE) === SOCK_STREAM &&
  intOption(fd, SOL_SOCKET, SO_ACCEPTCONN) === 0;

/** Where the socket is bound; -errno, or undefined for a family that we do not use. */
export function localAddress(fd: number): SocketAddress | number | undefined {
  return nameOf(f.getsockname, fd);
}

/** Whom it is connected to. */
export function peerAddress(fd: number): SocketAddress | number | undefined {
  return nameOf(f.getpeername, fd);
}

function nameOf(ask: typeof f.getsockname, fd: number): SocketAddress | number | undefined {
  length.dv.setUint32(0, SOCKADDR_MAX, true);
  const r = ret(ask(fd, address.address, length.address));
  return r < 0 ? r : getAddress(address, length.dv.getUint32(0, true));
}

/** Who was at the other end of a Unix socket when it was connected (SO_PEERCRED), in our own namespaces; pid 0: in none of ours. */
export function peerCred(fd: number): { pid: number; uid: number; gid: number } | number {
  length.dv.setUint32(0, 12, true);
  const r = ret(f.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value.address, length.address));
  if (r < 0) return r;
  const { dv } = value;
  return { pid: dv.getInt32(0, true), uid: dv.getUint32(4, true), gid: dv.getUint32(8, true) };
}

/** SHUT_RD, SHUT_WR or SHUT_RDWR. */
export function shutdown(fd: number, how: number): number {
  return ret(f.shutdown(fd, how));
}

/** Bytes; the kernel doubles what it is given and caps it at net.core.{w,r}mem_max. */
export function setBuffers(fd: number, send: number, receive: number): number {
  const r = setIntOption(fd, SOL_SOCKET, SO_SNDBUF, send);
  return r < 0 ? r : setIntOption(fd, SOL_SOCKET, SO_RCVBUF, receive);
}

/** TCP only: no waiting for more before a small packet is sent. -EOPNOTSUPP on other sockets. */
export function setNoDelay(fd: number): number {
  return setIntOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

function intOption(fd: number, level: number, option: number): number {
  length.dv.setUint32(0, 4, true);
  const r = ret(f.getsockopt(fd, level, option, value.address, length.address));
  return r < 0 ? r : value.dv.getInt32(0, true);
}

function setIntOption(fd: number, level: number, option: number, n: number): number {
  value.dv.setInt32(0, n, true);
  return ret(f.setsockopt(fd, level, option, value.address, 4));
}

/** The context id at the other end of a connected vsock; -EAFNOSUPPORT (97) for every other socket. */
function peerCid(fd: number): number {
  const peer = peerAddress(fd);
  if (typeof peer === 'number') return peer;
  return peer?.kind === 'vsock' ? peer.cid : -97;
}

/** What `transport/` asks for beyond `Sys`, in its own words. */
export const netSys = {
  socketPair(): readonly [number, number] | number {
    const pair: [number, number] = [-1, -1];
    const r = socketpair(pair);
    return r < 0 ? r : pair;
  },
  connectStart,
  connectResult,
  listen,
  accept,
  isListening,
  setNonBlocking: setNonblocking,
  peerCid,
  isUnixStream,
  shutdownWrite: (fd: number): number => shutdown(fd, SHUT_WR),
};
