// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { which } from '../common/package.ts';

/** Whether something is mounted at `path` (fifth field of /proc/self/mountinfo, with octal escapes; proc(5)). */
export function isMounted(path: string, mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): boolean {
  return mountinfo.split('\n').some((line) => {
    const point = line.split(' ')[4];
    return (
      point?.replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ) === path
    );
  });
}

/** Resolves when `path` is mounted; rejects when `failed` says so first, or after 15 s. */
export async function mounted(path: string, failed: () => string | undefined): Promise<void> {
  const until = performance.now() + 15_000;
  while (!isMounted(path)) {
    const why = failed();
    if (why !== undefined) throw new Error(why);
    if (performance.now() > until) throw new Error(`nothing is mounted after 15 s`);
    await new Promise((r) => setTimeout(r, 5));
  }
}

/**
 * Unmounts `path`, by force when it is in use; does nothing when nothing is there. Synchronous, for clean-up. Throws when it stays mounted: nobody
 * may then remove the folder, it would remove what is served.
 */
export function unmount(path: string): void {
  for (const flags of [['-u'], ['-u'], ['-u', '-z']]) {
    if (!isMounted(path)) return;
    const r = spawnSync(which('fusermount3') ?? 'fusermount3', [...flags, path], { encoding: 'utf8' });
    // In use for a moment more: a file system indexer, a command that was just killed.
    if (r.status !== 0) spawnSync('sleep', ['0.1']);
  }
  if (isMounted(path)) throw new Error(`${path} stays mounted`);
}
