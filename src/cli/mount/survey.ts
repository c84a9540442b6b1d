// SPDX-License-Identifier: MIT

import { askStatus, type Status } from './control.ts';
import { mountAt, readMounts } from './mountinfo.ts';
import { FSTYPE } from './point.ts';
import { controlPath, type Entry, isAlive, readRegistry, registryPath, unregister } from './registry.ts';

/** One mount of ours, as `list` shows it and as its JSON is documented in ninefold(1). */
export interface Mounted {
  mountpoint: string;
  source: string;
  /** `connected`; `disconnected`: the server is lost; `dead`: the mount's process is gone; `stuck`: it does not answer; `unknown`: another user's. */
  state: 'connected' | 'disconnected' | 'dead' | 'stuck' | 'unknown';
  reason?: string | undefined;
  readOnly: boolean;
  /** ISO 8601. */
  since?: string;
  pid?: number;
  operations?: number;
  bytesRead?: number;
  bytesWritten?: number;
}

/** Every mount of ours on this machine, from the register and from the kernel's list. Entries of what is no more are removed. */
export async function survey(dir = registryPath()): Promise<Mounted[]> {
  const mounts = readMounts();
  const entries = readRegistry(dir);
  const rows = await Promise.all(
    entries.map(async (entry): Promise<Mounted | undefined> => {
      const alive = isAlive(entry);
      const there = mountAt(mounts, entry.mountpoint)?.fstype === FSTYPE;
      // A process that still runs takes its own entry away when it ends.
      if (!there && !alive) {
        unregister(dir, entry.pid);
        return undefined;
      }
      return row(entry, alive, alive ? await askStatus(controlPath(dir, entry.pid)) : undefined);
    }),
  );
  const known = rows.filter((r) => r !== undefined);
  const paths = new Set(known.map((r) => r.mountpoint));
  for (const m of mounts)
    if (m.fstype === FSTYPE && !paths.has(m.mountpoint))
      known.push({
        mountpoint: m.mountpoint,
        source: m.source,
        state: 'unknown',
        readOnly: m.options.includes('ro'),
      });
  return known;
}

function row(entry: Entry, alive: boolean, status: Status | undefined): Mounted {
  const base = {
    mountpoint: entry.mountpoint,
    source: entry.source,
    readOnly: entry.readOnly,
    since: new Date(entry.since).toISOString(),
  };
  if (!alive)
    return entry.ended === undefined
      ? { ...base, state: 'dead', reason: 'its process was killed' }
      : { ...base, state: 'disconnected', reason: entry.ended };
  const { pid } = entry;
  return status === undefined ? { ...base, pid, state: 'stuck' } : { ...base, pid, ...status };
}
