// SPDX-License-Identifier: MIT

/**
 * A byte channel to a peer: two blocking descriptors (the same one for a socket) that the data plane reads and writes itself.
 * Whoever opened it closes it, after the data plane has let go.
 */
export interface Channel {
  readonly readFd: number;
  readonly writeFd: number;
  /**
   * Why the far end may have gone, if there is a process that can tell: `ssh ended with status 255: Permission denied (publickey)`.
   * Waits up to a second for it to end; undefined when it still runs or there is none.
   */
  lastWords(): Promise<string | undefined>;
  /**
   * Waits, however long, until the process at the far end has ended: its exit status; of one that was killed, 128 and the signal's number. undefined, at once: there is none, and
   * nothing tells an end that was meant from one that was not.
   */
  ended(): Promise<number | undefined>;
  /** Closes the descriptors; a process at the far end gets two seconds to end by itself, then SIGTERM, then SIGKILL. Idempotent. */
  close(): Promise<void>;
}
