// SPDX-License-Identifier: MIT

import { existsSync, readdir } from 'node:fs';
import type { ListFolder } from '../../mount/index.ts';

/**
 * Lists folders through the mount at `mountpoint`, on threads of libuv's pool: the thread that serves the mount would wait for itself. What is in them is of no interest here; the kernel has been told
 * the names on the way (mount/fill.ts).
 */
export function listThrough(mountpoint: string): ListFolder {
  const point = Buffer.from(mountpoint).toString('latin1');
  return (path, done) => readdir(Buffer.from(point + path, 'latin1'), 'latin1', () => done());
}

/** Threads are told apart by what /proc lists of this process. */
export const isOwnThread = (id: number): boolean => existsSync(`/proc/self/task/${id}`);
