// SPDX-License-Identifier: MIT

import { printable } from '../../base/error.ts';
import type { Session } from '../../broker/sessions.ts';
import type { Mounted } from '../mount/survey.ts';

/** What went through a mount, in bytes. */
export interface Traffic {
  readonly read: number;
  readonly written: number;
}

/**
 * How much went through the sessions whose mount is on this machine, by session id. The broker is not in the data path, so it can be known only where the mount's own process can be asked. Of several mounts
 * of one folder each session gets the one that began next after it.
 */
export function trafficOf(
  sessions: readonly Session[],
  mounts: readonly Mounted[],
  self: string,
): Map<string, Traffic> {
  const found = new Map<string, Traffic>();
  const left = mounts
    .filter((m) => m.bytesRead !== undefined && m.since !== undefined)
    .map((m) => ({ ...m, began: Date.parse(m.since ?? '') }))
    .sort((a, b) => a.began - b.began);
  for (const s of [...sessions].sort((a, b) => a.since - b.since)) {
    if (s.source !== self) continue;
    const label = printable(`${s.target}:${s.folder}`);
    const at = left.findIndex((m) => m.source === label && m.began >= s.since);
    const mount = left[at];
    if (mount === undefined) continue;
    left.splice(at, 1);
    found.set(s.id, { read: mount.bytesRead ?? 0, written: mount.bytesWritten ?? 0 });
  }
  return found;
}
