// SPDX-License-Identifier: MIT

import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { ENOSPC } from '../base/errno.ts';

const { O_CREAT, O_WRONLY, O_TRUNC } = constants;

/**
 * Files of the broker are its user's alone; in a folder that its group may write (Qubes: /etc/qubes/shared-folders, root:qubes, set-group-id) they are the
 * group's too, because services and the command of root work on the same ones.
 */
export const isShared = (dir: string): boolean =>
  ((statSync(dir, { throwIfNoEntry: false })?.mode ?? 0) & 0o020) !== 0;

/** Opens or makes a file; the caller closes it. Throws Node's errors. */
export function openOwned(path: string, flags: number): number {
  const fd = openSync(path, flags | O_CREAT, 0o600);
  if (isShared(dirname(path))) {
    try {
      fchmodSync(fd, 0o660);
    } catch {
      // It is another's of the group, who did this.
    }
  }
  return fd;
}

export function writeOwned(path: string, text: string): void {
  const fd = openOwned(path, O_WRONLY | O_TRUNC);
  try {
    writeWhole(fd, text);
  } finally {
    closeSync(fd);
  }
}

/** In one write, all or an error: Node's, or ENOSPC where there was room for a part alone, of which the system says nothing. */
export function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  const written = writeSync(fd, bytes);
  if (written === bytes.length) return;
  const why = `ENOSPC: only ${written} of ${bytes.length} bytes could be written`;
  throw Object.assign(new Error(why), { code: 'ENOSPC', errno: -ENOSPC, syscall: 'write' });
}

/** A folder in an existing one; as shared as that. */
export function makeOwned(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (!isShared(dirname(dir)) || isShared(dir)) return;
  chmodSync(dir, 0o2770);
}
