// SPDX-License-Identifier: MIT

import type { Sys } from '../base/sys.ts';
import type { TransportSys } from '../transport/sys.ts';

/** What a broker needs of the system beyond channels: descriptors over Unix sockets, and who is at their other end. Conventions are those of `Sys`. */
export interface BrokerSys extends TransportSys, Pick<Sys, 'send' | 'recv'> {
  /** One byte with one descriptor; the sender's stays open. */
  sendFd(socket: number, fd: number): number;
  /** Waits for one byte with one descriptor: close-on-exec, the caller's to close. -EPROTO: a byte without one. */
  recvFd(socket: number): number;
  /** A stream socket of this machine (AF_UNIX), not one that listens. */
  isUnixStream(fd: number): boolean;
  /** SO_PEERCRED. */
  peerCred(fd: number): { pid: number; uid: number; gid: number } | number;
}
