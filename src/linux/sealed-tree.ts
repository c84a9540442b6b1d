// SPDX-License-Identifier: MIT

import { O_CLOEXEC } from '../base/sys.ts';
import { c, ret, SYS } from './libc.ts';
import { alloc, emptyPath, pathOf, putOff } from './memory.ts';

const OPEN_TREE_CLONE = 1;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const ATTR_RDONLY = 0x1;
const ATTR_NOSUID = 0x2;
const ATTR_NODEV = 0x4;
/** Linux 5.14. */
const ATTR_NOSYMFOLLOW = 0x200000;
/** struct mount_attr: attr_set, attr_clr, propagation, userns_fd, 64 bits each (mount_setattr(2)). */
const ATTR_SIZE = 32;
const MS_PRIVATE = 1 << 18;

/**
 * A copy of the mounts at and below the folder behind `fd` that hangs nowhere: its root has nothing above it, whoever holds it. In it the kernel
 * follows no symbolic link, opens no device, and with `readOnly` changes nothing. What others mount later does not appear.
 *
 * Returns a close-on-exec O_PATH descriptor, with which the copy ends; -EPERM without CAP_SYS_ADMIN, -EINVAL before Linux 5.14 or where
 * something there may not be bound. open_tree(2), mount_setattr(2).
 */
export function sealTree(fd: number, readOnly: boolean): number {
  const flags = OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE | O_CLOEXEC;
  const tree = ret(c.syscall(SYS.open_tree, fd, emptyPath(), flags, 0, 0));
  if (tree < 0) return tree;
  const attr = alloc(ATTR_SIZE);
  putOff(attr, 0, ATTR_NOSUID | ATTR_NODEV | ATTR_NOSYMFOLLOW | (readOnly ? ATTR_RDONLY : 0));
  putOff(attr, 16, MS_PRIVATE);
  const r = ret(
    c.syscall(SYS.mount_setattr, tree, emptyPath(), AT_EMPTY_PATH | AT_RECURSIVE, pathOf(attr), ATTR_SIZE),
  );
  if (r === 0) return tree;
  c.close(tree);
  return r;
}
