// SPDX-License-Identifier: MIT

import { availableParallelism } from 'node:os';
import { NAME_MAX } from '../p9-client/index.ts';
import type { Owners } from './attrs.ts';
import { type CacheTimes, DEFAULT_TIMES } from './cache-policy.ts';

export interface MountOptions {
  readonly times: CacheTimes;
  /** Whom all files are shown to belong to; undefined = as the server says. */
  readonly owners: Owners;
  /**
   * The user that the server acts as for us, when it is root and everyone's work comes through this mount: what others make is given to them. Undefined:
   * the server acts as one user and cannot give files away.
   */
  readonly actsAsRoot: boolean;
  /** Whose mount it is: whom a server acts as that does not act as root. */
  readonly uid: number;
  /** Largest write (and read) of the kernel in bytes: a multiple of 4096 up to 1 MiB, which also fits in msize − 24. */
  readonly maxWrite: number;
  /** Largest read-ahead in bytes; the kernel's own limit for the mount, 128 KiB unless root raised it, holds too. */
  readonly maxReadahead: number;
  /** Fids that looked-up objects keep though nobody uses them. */
  readonly maxIdleFids: number;
  /** Sent with locks: must differ from that of any other mount of the same server. */
  readonly clientName: string;
  /** A wait of at most so many milliseconds is looked through instead of slept through, as long as one follows the other (base/turns.ts). */
  readonly shortWaitMs: number;
}

/** Between the calls of a program that works, and for an answer of a server on the same machine, it is 20 to 150 µs. */
const SHORT_WAIT_MS = 0.2;

/** The options for a session, with what the caller wants otherwise. */
export function mountOptions(msize: number, wanted: Partial<MountOptions> = {}): MountOptions {
  const fits = Math.max(4096, (msize - 24) & ~4095);
  return {
    times: wanted.times ?? DEFAULT_TIMES,
    owners: wanted.owners ?? { uid: undefined, gid: undefined },
    actsAsRoot: wanted.actsAsRoot ?? false,
    uid: wanted.uid ?? process.geteuid?.() ?? 0,
    maxWrite: Math.min(wanted.maxWrite ?? 1024 * 1024, fits),
    maxReadahead: wanted.maxReadahead ?? 4 * 1024 * 1024,
    maxIdleFids: wanted.maxIdleFids ?? 4096,
    // With one processor, looking would keep away whom we wait for.
    shortWaitMs: wanted.shortWaitMs ?? (availableParallelism() > 1 ? SHORT_WAIT_MS : 0),
    // It goes into messages that are not measured.
    clientName: (wanted.clientName ?? `ninefold-${process.pid}-${Math.floor(Math.random() * 1e9)}`).slice(
      0,
      NAME_MAX,
    ),
  };
}

/** One line for the log, names already escaped. */
export type MountLog = (level: 'debug' | 'info' | 'warn' | 'error', line: string) => void;
