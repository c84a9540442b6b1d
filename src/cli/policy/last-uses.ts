// SPDX-License-Identifier: MIT

import type { AuditLine } from '../../broker/audit.ts';

/** When a rule let somebody in last. */
export interface LastUse {
  /** ISO 8601, UTC. */
  readonly time: string;
  /** Who it was, and the folder that was mounted: the rule's, or one below it. */
  readonly source?: string;
  readonly folder?: string;
  readonly access?: string;
  readonly session?: string;
}

/** The last connection of each rule, by the rule's id; the log's lines from the oldest on. */
export function lastUses(lines: readonly AuditLine[]): Map<string, LastUse> {
  const uses = new Map<string, LastUse>();
  for (const { event, rule, time, source, folder, access, session } of lines) {
    if (event !== 'connection' || rule === undefined) continue;
    uses.set(rule, {
      time,
      ...(source === undefined ? {} : { source }),
      ...(folder === undefined ? {} : { folder }),
      ...(access === undefined ? {} : { access }),
      ...(session === undefined ? {} : { session }),
    });
  }
  return uses;
}
