// SPDX-License-Identifier: MIT

import { MAX_MSIZE } from '../p9/constants.ts';

/** Who a request acts as: the file-system identity of credentials(7). */
export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, without `gid`. */
  readonly groups: readonly number[];
}

/** Every bound that a peer can push against; docs/LIMITS.md says what happens at each. */
export interface Limits {
  /** The largest msize granted, in bytes: 4,096 to 1 MiB + 24. */
  msize: number;
  /** Fids of one connection. */
  fids: number;
  /** Descriptors that this connection may hold: objects looked up, open files, locks. */
  descriptors: number;
  /** Fids that hold an extended attribute's value (64 KiB each at the most). */
  xattrFids: number;
  /** Requests that wait for a disk or for a reply to be taken. */
  inflight: number;
  /** Folders whose changes one connection is told of. */
  watches: number;
  /** Bytes of replies being read from a disk. */
  slowBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  msize: MAX_MSIZE,
  fids: 262_144,
  descriptors: 16_384,
  xattrFids: 64,
  inflight: 256,
  watches: 8192,
  slowBytes: 8 * 1024 * 1024,
};

export interface ServerOptions {
  /** Nothing that changes the share is done: EROFS. */
  readOnly: boolean;
  /** Symbolic links are neither shown nor made. */
  noSymlinks: boolean;
  /** Tmknod of character and block devices is allowed (it also takes CAP_MKNOD). */
  devices: boolean;
  /** Set-user-id and set-group-id bits are dropped from every mode that a client gives. */
  noSetuid: boolean;
  /** POSIX ACL attributes are served beside `user.*`. */
  acl: boolean;
  /** Folders inside that are not for the client, as paths below the root without a leading slash: see `Guard`. */
  except: readonly string[];
  /** Message types that are refused with EPERM (numbers of p9/messages.ts). */
  deny: ReadonlySet<number>;
  /** Everyone acts as this user. */
  squash: User | undefined;
  /** Writes are refused with ENOSPC when the file system would have less than this many bytes free. 0 = only when it is full. */
  keepFree: number;
  /** A name that the client may attach to beside the empty one and `/`: what it knows the folder by. */
  aname: string;
  limits: Limits;
  /**
   * Who a numeric user is here (n_uname), or a named one (uname, when n_uname is NONUNAME). Asked only as root without `squash`. Undefined: unknown;
   * a number then acts as itself with a group of the same number, a name as nobody (65534).
   */
  lookupUser(who: { uid: number } | { name: string }): User | undefined;
  /** One line for the log: never more than a few a connection, names already escaped. */
  log(level: 'debug' | 'info' | 'warn' | 'error', line: string): void;
}

export const DEFAULT_OPTIONS: ServerOptions = {
  readOnly: false,
  noSymlinks: false,
  devices: false,
  noSetuid: false,
  acl: false,
  except: [],
  deny: new Set(),
  squash: undefined,
  keepFree: 0,
  aname: '/',
  limits: DEFAULT_LIMITS,
  lookupUser: () => undefined,
  log: () => {},
};
