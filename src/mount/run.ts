// SPDX-License-Identifier: MIT

import type { Sys } from '../base/sys.ts';
import { QUIET_MS, type WarmUp } from '../base/warm-up.ts';
import type { Session } from '../p9-client/index.ts';
import { Engine, type MountEnd } from './engine.ts';
import type { IsOwnThread, ListFolder } from './fill.ts';
import { type MountLog, type MountOptions, mountOptions } from './options.ts';
import { MountStats } from './stats.ts';

export interface RunMount {
  readonly sys: Sys;
  /** /dev/fuse of a mount, non-blocking. Stays the caller's to close, after the end: closing it makes every later access fail with ENOTCONN. */
  readonly fuseFd: number;
  /** The channel of `session`, non-blocking; the caller's to close. */
  readonly readFd: number;
  readonly writeFd: number;
  readonly session: Session;
  readonly options?: Partial<MountOptions>;
  /** Called once, when the mount answers. */
  readonly onReady?: () => void;
  readonly log?: MountLog;
  readonly stats?: MountStats;
  /** Done in idle moments; it may have begun while the server was waited for. */
  readonly warmUp?: WarmUp;
  /** For names that programs look up one after the other (fill.ts). */
  readonly list?: ListFolder;
  /** Goes with `list`. Reads /proc. */
  readonly isOwnThread?: IsOwnThread;
  /** Ends the mount as an unmount does, also where it cannot be unmounted. */
  readonly stop?: AbortSignal;
  /** Whether the thread with this id is being killed; undefined when it cannot be seen. Reads /proc. */
  readonly isDying?: (pid: number) => boolean | undefined;
}

/**
 * Serves a mount until it is unmounted or the server is gone, on the calling thread. Resolves with why; rejects only for a fault of our own.
 * The caller must never touch the mount from this thread: it would wait for itself.
 */
export async function runMount(how: RunMount): Promise<MountEnd> {
  const engine = new Engine({
    sys: how.sys,
    fuseFd: how.fuseFd,
    readFd: how.readFd,
    writeFd: how.writeFd,
    session: how.session,
    options: mountOptions(how.session.msize, how.options),
    log: how.log ?? (() => {}),
    stats: how.stats ?? new MountStats(),
    list: how.list,
    isOwnThread: how.isOwnThread,
  });
  const { onReady } = how;
  const { warmUp } = how;
  if (warmUp !== undefined)
    warmUp.untilIdle = () => (engine.isEnded ? QUIET_MS : engine.now + QUIET_MS - performance.now());
  // Other servers are spoken to in another way, which it does not play.
  if (!how.session.extended) warmUp?.stop();
  // A timer, because whoever waits for a promise is not heard while the loop sleeps in poll(2).
  engine.ready = () => {
    if (onReady !== undefined) setTimeout(onReady, 0);
    warmUp?.start();
  };
  how.stop?.addEventListener('abort', () => engine.end({ kind: 'unmounted' }));
  if (how.isDying !== undefined) engine.interrupts.isDying = how.isDying;
  return engine.run();
}
