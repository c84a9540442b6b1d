// SPDX-License-Identifier: MIT

import type { PathSys } from '../base/path-sys.ts';
import { Conversation, type ProxyEnd } from './conversation.ts';
import { Helper, type ProxyOptions } from './helper.ts';
import type { Export } from './place.ts';

export type { ProxyEnd } from './conversation.ts';
export type { ProxyOptions } from './helper.ts';
export type { Export } from './place.ts';
export { rehearseProxy } from './rehearsal.ts';

/** What a helper works with. All descriptors stay the caller's to close. */
export interface ProxySetting {
  readonly sys: PathSys;
  /** An open /proc/self/fd. */
  readonly procFd: number;
  readonly root: Export;
  readonly options: ProxyOptions;
}

/**
 * Serves one QEMU at `socketFd`, a connected Unix stream socket that blocks, until it closes or says what makes no sense. Takes over the calling
 * thread: it waits in recv(2) and nothing else of this thread runs meanwhile; its umask, working folder and file-system identity are the helper's.
 *
 * The thread must be root's, without supplementary groups (they belong to whoever started the helper). Throws only for a fault of our own.
 */
export function serveProxy(how: ProxySetting & { readonly socketFd: number }): ProxyEnd {
  return new Conversation(
    how.sys,
    how.socketFd,
    new Helper(how.sys, how.root, how.procFd, how.options),
  ).run();
}
