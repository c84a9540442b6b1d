// SPDX-License-Identifier: MIT

import { peerCred } from '../../linux/net.ts';
import { STARTED_BY } from '../../transport/starter.ts';

/**
 * Whether the peer at `fd` is the process that started this one, and keeps the other end to itself: it says so (`STARTED_BY`), and the kernel says that it made the socket pair. Then the server may hand it
 * pages of the kernel's instead of copies (p9-server/outgoing.ts). A stranger could keep such pages, and see in them what is written to the file when it is no longer his to read.
 */
export function peerIsStarter(fd: number, env: NodeJS.ProcessEnv): boolean {
  const pid = Number(env[STARTED_BY] ?? 0);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  const peer = peerCred(fd);
  return typeof peer !== 'number' && peer.pid === pid;
}
