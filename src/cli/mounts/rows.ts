// SPDX-License-Identifier: MIT

import { type Mounted, survey } from '../mount/survey.ts';
import { readSaved, type SavedMount } from './saved.ts';

/** One line of `ninefold mounts`, as its JSON is documented in ninefold(1). */
export interface MountRow extends Omit<SavedMount, 'name'> {
  /** Of a saved one. */
  readonly name?: string;
  readonly saved: boolean;
  /** `unmounted`, or what `ninefold list` says. */
  readonly state: Mounted['state'] | 'unmounted';
  readonly reason?: string;
  readonly since?: string;
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
}

/** What is saved, in the person's order, then what else is mounted. Throws NinefoldError MOUNTS_FILE (exit 78). */
export const mountRows = async (): Promise<MountRow[]> => rowsOf(readSaved(), await survey());

export function rowsOf(saved: readonly SavedMount[], mounted: readonly Mounted[]): MountRow[] {
  const rows = saved.map((entry): MountRow => {
    const there = mounted.find((m) => m.mountpoint === entry.mountpoint);
    return { ...entry, saved: true, ...live(there) };
  });
  for (const m of mounted)
    if (!saved.some((entry) => entry.mountpoint === m.mountpoint))
      rows.push({
        source: m.source,
        mountpoint: m.mountpoint,
        readOnly: m.readOnly,
        options: '',
        login: false,
        saved: false,
        ...live(m),
      });
  return rows;
}

type Live = Pick<MountRow, 'state' | 'reason' | 'since' | 'bytesRead' | 'bytesWritten'>;

function live(m: Mounted | undefined): Live {
  if (m === undefined) return { state: 'unmounted' };
  const { state, reason, since, bytesRead, bytesWritten } = m;
  return {
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(since === undefined ? {} : { since }),
    ...(bytesRead === undefined ? {} : { bytesRead }),
    ...(bytesWritten === undefined ? {} : { bytesWritten }),
  };
}
