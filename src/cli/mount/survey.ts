// SPDX-License-Identifier: MIT

import { askStatus, type Status } from './control.ts';
import { type MountLine, readMounts } from './mountinfo.ts';
import { FSTYPE } from './point.ts';
import {
  controlPath,
  type Entry,
  isAlive,
  mountOfEntry,
  readRegistry,
  registryPath,
  unregister,
} from './registry.ts';

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
      // Its number may have been given to the next mount on that folder.
      const there = isFollowed(entry, entries) && !alive ? undefined : mountOfEntry(mounts, entry);
      // A process that still runs takes its own entry away when it ends.
      if (there === undefined && !alive) {
        unregister(dir, entry.pid);
        return undefined;
      }
      return row(entry, there, alive, alive ? await askStatus(controlPath(dir, entry.pid)) : undefined);
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

/** Is there a later mount with its place and number? */
const isFollowed = (entry: Entry, entries: readonly Entry[]): boolean =>
  entries.findLast((e) => e.mountpoint === entry.mountpoint && e.device === entry.device) !== entry;

function row(
  entry: Entry,
  there: MountLine | undefined,
  alive: boolean,
  status: Status | undefined,
): Mounted {
  const base = {
    mountpoint: entry.mountpoint,
    source: entry.source,
    // Root may have changed it since.
    readOnly: there?.options.includes('ro') ?? entry.readOnly,
    since: new Date(entry.since).toISOString(),
  };
  if (!alive)
    return entry.ended === undefined
      ? { ...base, state: 'dead', reason: 'its process was killed' }
      : { ...base, state: 'disconnected', reason: entry.ended };
  const { pid } = entry;
  return status === undefined ? { ...base, pid, state: 'stuck' } : { ...base, pid, ...status };
}
