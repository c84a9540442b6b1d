// SPDX-License-Identifier: MIT

import { existsSync, readdir } from 'node:fs';
import { ownDescriptors } from '../../linux/process.ts';
import type { ListFolder } from '../../mount/index.ts';

/**
 * Called before anything is opened that the pool's threads must not hold: /dev/fuse above all. The kernel ends a mount when its last descriptor is closed, and a killed process closes those that its threads
 * share when the last of them has ended; one that waits for an answer on that very mount would never end, nor anybody else who waits there. So from here on the calling thread has its descriptors to itself;
 * of those that it has already, the others keep copies until the process ends. Must come after the first `process.on` of a signal, whose pipe all threads write to. False: this system refuses it, and nothing
 * may be listed.
 */
export function keepDescriptorsFromPool(): boolean {
  // Its threads come to be with its first work. (A stat might be done by io_uring instead.)
  readdir('/dev/null', () => {});
  return ownDescriptors() >= 0;
}

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
