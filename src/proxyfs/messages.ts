// SPDX-License-Identifier: MIT

import type { Coder } from './coder.ts';
import type { Request } from './request.ts';

/**
 * How a request is answered. `descriptor`: one i32 without a header, FD_VALID with an SCM_RIGHTS descriptor or −errno without. `status`:
 * header and one i32, 0 or −errno. `response`: header and payload; of a failure, like a status.
 */
export type ReplyKind = 'descriptor' | 'status' | 'response';

/** A row of the table: one request, its number, its reply and its fields in wire order. */
export interface Row {
  readonly type: number;
  readonly name: ProxyName;
  readonly reply: ReplyKind;
  /** True if it can change the folder whatever its fields are; open and create are judged by their flags. */
  readonly changes: boolean;
  readonly body: (c: Coder, m: Request) => void;
}

/** The numbers of the requests (hw/9pfs/9p-proxy.h). */
export const P = {
  open: 2,
  create: 3,
  mknod: 4,
  mkdir: 5,
  symlink: 6,
  link: 7,
  lstat: 8,
  readlink: 9,
  statfs: 10,
  chmod: 11,
  chown: 12,
  truncate: 13,
  utime: 14,
  rename: 15,
  remove: 16,
  lgetxattr: 17,
  llistxattr: 18,
  lsetxattr: 19,
  lremovexattr: 20,
  getversion: 21,
} as const;
export type ProxyName = keyof typeof P;

const pathOnly = (c: Coder, m: Request): void => {
  c.s(m.path);
};
const ids = (c: Coder, m: Request): void => {
  m.uid = c.d(m.uid);
  m.gid = c.d(m.gid);
};
const twoPaths = (c: Coder, m: Request): void => {
  c.s(m.path);
  c.s(m.path2);
};
const pathMode = (c: Coder, m: Request): void => {
  c.s(m.path);
  m.mode = c.u(m.mode);
};
const rdev = (c: Coder, m: Request): void => {
  m.rdevLo = c.u(m.rdevLo);
  m.rdevHi = c.u(m.rdevHi);
};

/** Every request, by number. Owners come first in mknod, mkdir and symlink and last in create; sizes first where an attribute is read. */
export const ROWS: readonly Row[] = [
  row('open', 'descriptor', false, (c, m) => {
    c.s(m.path);
    m.flags = c.d(m.flags);
  }),
  row('create', 'descriptor', true, (c, m) => {
    c.s(m.path);
    m.flags = c.d(m.flags);
    m.mode = c.u(m.mode);
    ids(c, m);
  }),
  row('mknod', 'status', true, (c, m) => {
    ids(c, m);
    pathMode(c, m);
    rdev(c, m);
  }),
  row('mkdir', 'status', true, (c, m) => {
    ids(c, m);
    pathMode(c, m);
  }),
  row('symlink', 'status', true, (c, m) => {
    ids(c, m);
    c.s(m.path2);
    c.s(m.path);
  }),
  row('link', 'status', true, twoPaths),
  row('lstat', 'response', false, pathOnly),
  row('readlink', 'response', false, (c, m) => {
    c.s(m.path);
    m.size = c.d(m.size);
  }),
  row('statfs', 'response', false, pathOnly),
  row('chmod', 'status', true, pathMode),
  row('chown', 'status', true, (c, m) => {
    c.s(m.path);
    ids(c, m);
  }),
  row('truncate', 'status', true, (c, m) => {
    c.s(m.path);
    m.length = c.q(m.length);
  }),
  row('utime', 'status', true, (c, m) => {
    c.s(m.path);
    m.atimeSec = c.q(m.atimeSec);
    m.atimeNsec = c.q(m.atimeNsec);
    m.mtimeSec = c.q(m.mtimeSec);
    m.mtimeNsec = c.q(m.mtimeNsec);
  }),
  row('rename', 'status', true, twoPaths),
  row('remove', 'status', true, pathOnly),
  row('lgetxattr', 'response', false, (c, m) => {
    m.size = c.d(m.size);
    c.s(m.path);
    c.s(m.name);
  }),
  row('llistxattr', 'response', false, (c, m) => {
    m.size = c.d(m.size);
    c.s(m.path);
  }),
  row('lsetxattr', 'status', true, (c, m) => {
    c.s(m.path);
    c.s(m.name);
    c.s(m.value);
    m.size = c.d(m.size);
    m.flags = c.d(m.flags);
  }),
  row('lremovexattr', 'status', true, (c, m) => {
    c.s(m.path);
    c.s(m.name);
  }),
  row('getversion', 'response', false, pathOnly),
];

/** Row of each number; the two reply types and numbers above have none. */
export const BY_TYPE: readonly (Row | undefined)[] = [undefined, undefined, ...ROWS];

function row(name: ProxyName, reply: ReplyKind, changes: boolean, body: (c: Coder, m: Request) => void): Row {
  return { type: P[name], name, reply, changes, body };
}
