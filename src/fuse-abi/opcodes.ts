// SPDX-License-Identifier: MIT

/** Requests of the kernel on /dev/fuse, by number (include/uapi/linux/fuse.h, enum fuse_opcode, protocol 7.45). */
export const OP = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  readlink: 5,
  symlink: 6,
  mknod: 8,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  setxattr: 21,
  getxattr: 22,
  listxattr: 23,
  removexattr: 24,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  fsyncdir: 30,
  getlk: 31,
  setlk: 32,
  setlkw: 33,
  access: 34,
  create: 35,
  interrupt: 36,
  bmap: 37,
  destroy: 38,
  ioctl: 39,
  poll: 40,
  notifyReply: 41,
  batchForget: 42,
  fallocate: 43,
  readdirplus: 44,
  rename2: 45,
  lseek: 46,
  copyFileRange: 47,
  setupmapping: 48,
  removemapping: 49,
  syncfs: 50,
  tmpfile: 51,
  statx: 52,
} as const;

export type OpName = keyof typeof OP;

/** Bytes of `struct fuse_in_header`, which begins every request. */
export const IN_HEADER = 40;
/** Bytes of `struct fuse_out_header`, which begins every reply. */
export const OUT_HEADER = 16;

/** What is fixed of a request's body: bytes of its struct, and how many NUL-terminated strings follow it. */
export interface RequestShape {
  readonly name: OpName;
  readonly struct: number;
  readonly strings: 0 | 1 | 2;
}

const SHAPES: readonly (readonly [OpName, number, 0 | 1 | 2])[] = [
  ['lookup', 0, 1],
  ['forget', 8, 0],
  ['getattr', 16, 0],
  ['setattr', 88, 0],
  ['readlink', 0, 0],
  ['symlink', 0, 2],
  ['mknod', 16, 1],
  ['mkdir', 8, 1],
  ['unlink', 0, 1],
  ['rmdir', 0, 1],
  ['rename', 8, 2],
  ['link', 8, 1],
  ['open', 8, 0],
  ['read', 40, 0],
  ['write', 40, 0],
  ['statfs', 0, 0],
  ['release', 24, 0],
  ['fsync', 16, 0],
  // 8 bytes, or 16 with FUSE_SETXATTR_EXT, which is not asked for here.
  ['setxattr', 8, 1],
  ['getxattr', 8, 1],
  ['listxattr', 8, 0],
  ['removexattr', 0, 1],
  ['flush', 24, 0],
  ['init', 8, 0],
  ['opendir', 8, 0],
  ['readdir', 40, 0],
  ['releasedir', 24, 0],
  ['fsyncdir', 16, 0],
  ['getlk', 48, 0],
  ['setlk', 48, 0],
  ['setlkw', 48, 0],
  ['access', 8, 0],
  ['create', 16, 1],
  ['interrupt', 8, 0],
  ['destroy', 0, 0],
  ['ioctl', 32, 0],
  ['poll', 24, 0],
  ['batchForget', 8, 0],
  ['fallocate', 32, 0],
  ['readdirplus', 40, 0],
  ['rename2', 16, 2],
  ['lseek', 24, 0],
  ['copyFileRange', 56, 0],
];

/** Shape of a request by opcode; undefined for those that are only ever answered with ENOSYS. */
export const SHAPE: readonly (RequestShape | undefined)[] = Array.from({ length: 64 }, (_, opcode) => {
  const row = SHAPES.find(([name]) => OP[name] === opcode);
  return row && { name: row[0], struct: row[1], strings: row[2] };
});

/** `'lookup'` for 1; `'op 99'` for a number without a name. */
export function opName(opcode: number): string {
  return SHAPE[opcode]?.name ?? `op ${opcode}`;
}
