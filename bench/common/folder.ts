// SPDX-License-Identifier: MIT

import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';

const SHM = '/dev/shm';

/**
 * Where served files are. `disk`: the temporary folder. `memory`: tmpfs, where there is room. Rows that make or remove files want memory: on ext4 they
 * move between 9 and 50 µs a request with the number of files that were removed in the last minutes (recently_deleted in its ialloc.c). So do rows that
 * want everything in memory: a page cache is emptied as the kernel, or the host of a virtual machine, likes.
 */
export type Place = 'disk' | 'memory';

/** A new folder there, removed by `cleanup` unless something is mounted below it (`busy`). `bytes`: what will be put into it. */
export function newFolder(place: Place, bytes: number, cleanup: Cleanup, busy?: () => boolean): string {
  const dir = mkdtempSync(join(place === 'memory' && hasRoom(bytes) ? SHM : tmpdir(), 'ninefold-bench-'));
  cleanup.add(`folder ${dir}`, () => {
    if (busy?.()) throw new Error(`${dir} stays: something is still mounted below it`);
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  });
  return dir;
}

function hasRoom(bytes: number): boolean {
  try {
    accessSync(SHM, constants.W_OK);
    const { bavail, bsize } = statfsSync(SHM);
    return bavail * bsize > 2 * bytes;
  } catch {
    return false;
  }
}
