// SPDX-License-Identifier: MIT

import type { Sys } from '../base/sys.ts';

/** A stream socket's address, resolved: `tcp` holds numbers only. */
export type SocketAddress =
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; family: 4 | 6; address: string; port: number }
  | { kind: 'vsock'; cid: number; port: number };

/**
 * The system calls that transports need beyond `Sys`: `linux/net.ts` has them, `cli/` joins the two. Conventions are those of `Sys`:
 * descriptors are close-on-exec, results are ≥ 0 or -errno, nothing throws.
 */
export interface TransportSys
  extends Pick<
    Sys,
    'alloc' | 'close' | 'dup' | 'read' | 'write' | 'poll' | 'eventLoopFd' | 'eventLoopTimeout'
  > {
  /** socketpair(2): two connected Unix stream sockets, blocking. */
  socketPair(): readonly [number, number] | number;
  /** A non-blocking stream socket that has begun to connect: the descriptor. -EAGAIN: a Unix socket's queue is full just now. */
  connectStart(to: SocketAddress): number;
  /** SO_ERROR: 0 once connected, or the -errno of the attempt. */
  connectResult(fd: number): number;
  /** bind(2) and listen(2) on a new non-blocking socket. `mode`: of a Unix socket, before anyone can connect. */
  listen(at: SocketAddress, backlog: number, mode: number): number;
  /** accept4(2): a blocking, connected descriptor; -EAGAIN when nobody waits. */
  accept(fd: number): number;
  /** 1 if the descriptor is a listening stream socket, 0 if not. */
  isListening(fd: number): number;
  setNonBlocking(fd: number, on: boolean): number;
  /** The context id at the other end of a connected vsock, as the kernel knows it; -EAFNOSUPPORT (97) for every other socket. */
  peerCid(fd: number): number;
  /** No more is written to a socket: its other end reads the end. -ENOTSOCK (88): a pipe, whose end is its being closed. */
  shutdownWrite(fd: number): number;
}
