// SPDX-License-Identifier: MIT

import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { within } from '../patience.ts';
import { detach } from './detach.ts';
import { mountAt, mountOf, readMounts } from './mountinfo.ts';
import { FSTYPE } from './point.ts';

/** The mount that this process serves. A path alone would also be that of whatever is mounted there before or after it. */
export interface OwnMount {
  readonly mountpoint: string;
  /** `MAJOR:MINOR`; another file system may have it once this one is gone. */
  readonly device: string;
}

/** To be called right after the mount was made. undefined: it is gone already. */
export function ownMount(fuseFd: number, mountpoint: string): OwnMount | undefined {
  const device = deviceOf(fuseFd) ?? topmost(mountpoint);
  return device === undefined ? undefined : { mountpoint, device };
}

/** Newer kernels tell it of the descriptor itself: the minor number, as the major one is 0 of all that has no disk. */
function deviceOf(fuseFd: number): string | undefined {
  const text = readFileSync(`/proc/self/fdinfo/${fuseFd}`, 'latin1');
  const minor = /^fuse_connection:\s*([0-9]+)$/m.exec(text)?.[1];
  return minor === undefined ? undefined : `0:${minor}`;
}

function topmost(mountpoint: string): string | undefined {
  const there = mountAt(readMounts(), mountpoint);
  return there?.fstype === FSTYPE ? there.device : undefined;
}

/**
 * Unmounts it, lazily if it is in use or will not end otherwise, as long as it is what lies on top there: unmounting goes by the path, and takes whatever that is. `closed`: our end of it is closed, so that
 * it fails everything, and what does not is another that has been given its number. False: it stays, below another mount.
 */
export async function detachOwn(own: OwnMount, closed: boolean, helper: string): Promise<boolean> {
  const { mountpoint, device } = own;
  for (const lazy of [false, true]) {
    const there = mountAt(readMounts(), mountpoint);
    if (there?.fstype !== FSTYPE || there.device !== device) break;
    if (closed && !(await isDead(mountpoint))) return true;
    const result = await detach(mountpoint, lazy, helper);
    if (result === 'done' || result === 'not-mounted') break;
  }
  return mountOf(readMounts(), mountpoint, device)?.fstype !== FSTYPE;
}

/** statfs(2), because attributes might come from the kernel's memory. */
async function isDead(mountpoint: string): Promise<boolean> {
  try {
    await within(statfs(mountpoint), () => new Error('silent'));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTCONN';
  }
}
