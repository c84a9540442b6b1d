// SPDX-License-Identifier: MIT

import { EPROTO } from '../../base/errno.ts';
import {
  FUSE_MAJOR,
  FUSE_MINOR,
  IN_HEADER,
  INIT,
  INIT_OUT,
  INIT2,
  OLDEST_MINOR,
  OUT_HEADER,
  putInitOut,
  readInit,
} from '../../fuse-abi/index.ts';
import type { Engine } from '../engine.ts';
import type { Op } from '../op.ts';

/**
 * What is asked of the kernel, as far as it offers it:
 * - no WRITEBACK_CACHE: the kernel would own size and times of files that others change too;
 * - no NO_OPEN_SUPPORT: a file that is open must be pinned on the server, also when it is unlinked or replaced meanwhile;
 * - no DONT_MASK: the kernel applies the umask, as it does where no default ACL stands in the way;
 * - HANDLE_KILLPRIV_V2: the server's own kernel drops set-user-id bits on write, so the local one need not ask for a capability attribute before each write;
 * - ATOMIC_O_TRUNC: the truncation of an open travels with it.
 */
const WANTED =
  INIT.asyncRead |
  INIT.posixLocks |
  INIT.atomicOTrunc |
  INIT.bigWrites |
  INIT.flockLocks |
  INIT.autoInvalData |
  INIT.asyncDio |
  INIT.parallelDirops |
  INIT.abortError |
  INIT.maxPages |
  INIT.cacheSymlinks |
  INIT.handleKillprivV2 |
  INIT.initExt;

/** Requests that the kernel sends without waiting (read-ahead, releases) at one time. */
const MAX_BACKGROUND = 64;

/** FUSE_INIT: init_in → init_out. */
export function init(e: Engine, op: Op): void {
  const { dv } = e.request;
  const offer = readInit(dv, IN_HEADER, e.header.end);
  if (offer.major < FUSE_MAJOR || (offer.major === FUSE_MAJOR && offer.minor < OLDEST_MINOR)) {
    e.warn(
      `this kernel speaks FUSE ${offer.major}.${offer.minor}; ${FUSE_MAJOR}.${OLDEST_MINOR} (Linux 5.4) is the oldest that is served`,
    );
    return e.error(op, EPROTO);
  }
  const plus = e.canReaddirplus ? INIT.doReaddirplus | INIT.readdirplusAuto : 0;
  const flags = (WANTED | plus) & offer.flags;
  e.policy.writesDirectly = (flags & INIT.initExt) !== 0 && (offer.flags2 & INIT2.directIoAllowMmap) !== 0;
  putInitOut(e.out.dv, OUT_HEADER, {
    minor: FUSE_MINOR,
    // A kernel of a higher major sends a second INIT after this one.
    maxReadahead: Math.min(offer.maxReadahead, e.options.maxReadahead),
    flags,
    flags2: (flags & INIT.initExt) !== 0 ? INIT2.directIoAllowMmap & offer.flags2 : 0,
    maxBackground: MAX_BACKGROUND,
    congestionThreshold: (MAX_BACKGROUND * 3) >> 2,
    maxWrite: e.options.maxWrite,
    timeGran: 1,
    maxPages: e.options.maxWrite >> 12,
  });
  if (e.answer(op, INIT_OUT) && offer.major === FUSE_MAJOR) e.ready();
}

/** FUSE_INTERRUPT: unique u64. Never answered. */
export function interrupt(e: Engine, op: Op): void {
  op.done = true;
  const { dv } = e.request;
  e.interrupts.on(dv.getUint32(IN_HEADER, true), dv.getUint32(IN_HEADER + 4, true));
}

/** FUSE_DESTROY: the mount is gone. */
export function destroy(e: Engine, op: Op): void {
  e.answer(op);
}
