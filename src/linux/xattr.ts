// SPDX-License-Identifier: MIT
// Extended attributes through /proc/self/fd: the f*xattr calls refuse O_PATH descriptors.

import type { Mem } from '../base/mem.ts';
import { c, interrupted, ret } from './libc.ts';
import { at, pathOf, procFd } from './memory.ts';

export function getxattr(fd: number, name: Mem, value: Mem, off: number, len: number): number {
  const p = at(value, off, len);
  const path = procFd(fd);
  let r: number;
  do r = ret(c.getxattr(path, pathOf(name), p, len));
  while (interrupted(r));
  return r;
}

export function setxattr(fd: number, name: Mem, value: Mem, off: number, len: number, flags: number): number {
  const p = at(value, off, len);
  const path = procFd(fd);
  let r: number;
  do r = ret(c.setxattr(path, pathOf(name), p, len, flags));
  while (interrupted(r));
  return r;
}

export function listxattr(fd: number, list: Mem, off: number, len: number): number {
  const p = at(list, off, len);
  const path = procFd(fd);
  let r: number;
  do r = ret(c.listxattr(path, p, len));
  while (interrupted(r));
  return r;
}

export function removexattr(fd: number, name: Mem): number {
  const path = procFd(fd);
  let r: number;
  do r = ret(c.removexattr(path, pathOf(name)));
  while (interrupted(r));
  return r;
}
