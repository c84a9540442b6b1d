// SPDX-License-Identifier: MIT

import { readPage } from '../../broker/audit-pages.ts';
import type { Rule } from '../../policy/rule.ts';

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

const AT_ONCE = 10_000;

/** The last connection of each rule, by the rule's id: from the log at `path` and the older ones beside it, as far back as a rule that allows something has none yet. */
export function lastUses(path: string, rules: readonly Rule[]): Map<string, LastUse> {
  const wanted = new Set(rules.filter((r) => r.effect === 'allow').map((r) => r.id));
  const uses = new Map<string, LastUse>();
  for (let before: string | undefined; wanted.size > 0; ) {
    const page = readPage(path, { max: AT_ONCE, before, holding: '"event":"connection"' });
    for (const { line } of [...page.lines].reverse()) {
      if (line?.event !== 'connection' || line.rule === undefined || !wanted.delete(line.rule)) continue;
      const { time, source, folder, access, session } = line;
      uses.set(line.rule, {
        time,
        ...(source === undefined ? {} : { source }),
        ...(folder === undefined ? {} : { folder }),
        ...(access === undefined ? {} : { access }),
        ...(session === undefined ? {} : { session }),
      });
    }
    before = page.older;
    if (before === undefined) break;
  }
  return uses;
}
