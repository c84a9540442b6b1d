// SPDX-License-Identifier: MIT

import { O_ACCMODE, O_NONBLOCK, O_RDWR } from '../base/sys.ts';
import { setNonblocking, statusFlags } from './descriptors.ts';
import { close } from './files.ts';
import { reopen } from './names.ts';
import { socketType } from './net.ts';

/** An end of a conversation on which no call waits. */
export interface Unblocked {
  readonly fd: number;
  /** Leaves everything as it was found. */
  undo(): void;
}

const NOTHING = (): void => {};

/**
 * A socket that is written to without waiting also by calls that cannot say so themselves (sendfile(2)): the flag is set until `undo`, if it was not. Undefined: this is no socket.
 */
export function unblockedSocket(fd: number): Unblocked | undefined {
  if (socketType(fd) < 0) return undefined;
  const flags = statusFlags(fd);
  if (flags < 0) return undefined;
  if ((flags & O_NONBLOCK) !== 0) return { fd, undo: NOTHING };
  return setNonblocking(fd, true) < 0 ? undefined : { fd, undo: () => void setNonblocking(fd, false) };
}

/**
 * A descriptor of the same pipe or device that does not block. The flag is the open file description's, which a parent or a neighbour may share: so the pipe is opened anew where
 * that is allowed (not a named one outside of what Landlock lets through, nor another user's), and else the flag is set until `undo`. A socket stays as it is: send(2) and recv(2) say for themselves
 * that they do not wait.
 */
export function unblocked(fd: number, access: number): Unblocked {
  if (socketType(fd) >= 0) return { fd, undo: NOTHING };
  const flags = statusFlags(fd);
  if (flags < 0 || (flags & O_NONBLOCK) !== 0) return { fd, undo: NOTHING };
  // A named pipe that is open both ways stays so: opened to write only, without a reader, it would be refused.
  const own = reopen(fd, ((flags & O_ACCMODE) === O_RDWR ? O_RDWR : access) | O_NONBLOCK);
  if (own >= 0) return { fd: own, undo: () => void close(own) };
  setNonblocking(fd, true);
  return { fd, undo: () => void setNonblocking(fd, false) };
}
