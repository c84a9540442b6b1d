// SPDX-License-Identifier: MIT

import * as v from 'valibot';
import { parseFolder } from './folder.ts';
import { issueWords } from './issue-words.ts';
import { looksDisposable, parseName } from './name.ts';
import { bad, good, type Parsed } from './parsed.ts';
import type { Rule } from './rule.ts';

/** The original's policy.db: `{ "<fingerprint>": { "folder", "response", "source", "target" }, … }`. */
const DATABASE = v.record(
  v.string(),
  v.strictObject({
    folder: v.string(),
    response: v.picklist(['ALLOW_ONETIME', 'ALLOW_ALWAYS', 'DENY_ONETIME', 'DENY_ALWAYS', 'BLOCK']),
    source: v.string(),
    target: v.string(),
  }),
);

/** What comes of a policy.db: the rules to keep, and a sentence for each entry that is not taken over. */
export interface Migrated {
  readonly rules: readonly Rule[];
  readonly notes: readonly string[];
}

/**
 * Reads a policy.db. One-time entries are left behind: their time is over. A permanent denial of `/` is what the original makes of "block". Fails for a file that is
 * damaged or has an entry that cannot be understood as a refusal: leaving a denial out would widen what is allowed. An allowance that does not
 * hold here (a disposable, a path that is not canonical) is left out, with a note.
 */
export function migrate(text: string, now: number, newId: () => string): Parsed<Migrated> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return bad(`it is no JSON (${(error as Error).message})`);
  }
  if (Array.isArray(json)) return bad('it is a list');
  const parsed = v.safeParse(DATABASE, json);
  if (!parsed.success) {
    const where = v.getDotPath(parsed.issues[0]) ?? 'the beginning';
    return bad(`at "${where}": ${issueWords(parsed.issues[0])}`);
  }
  const rules: Rule[] = [];
  const notes: string[] = [];
  for (const [key, entry] of Object.entries(parsed.output)) {
    const { response, source, target } = entry;
    if (response === 'ALLOW_ONETIME' || response === 'DENY_ONETIME') continue;
    const effect = response === 'ALLOW_ALWAYS' ? 'allow' : entry.folder === '/' ? 'block' : 'deny';
    const folder = parseFolder(entry.folder.replace(/^\/\/(?!\/)/, '/'));
    const why = fault(source, target, folder, effect);
    if (why !== undefined) {
      if (effect !== 'allow') return bad(`entry "${key}" is a denial that cannot be taken over: ${why}`);
      notes.push(`entry "${key}" is left behind: ${why}`);
      continue;
    }
    rules.push({
      id: newId(),
      effect,
      source,
      target,
      folder: folder.ok ? folder.value : '/',
      access: 'rw',
      lasts: 'always',
      origin: 'migrated',
      made: now,
    });
  }
  return good({ rules, notes });
}

function fault(
  source: string,
  target: string,
  folder: Parsed<string>,
  effect: Rule['effect'],
): string | undefined {
  for (const name of [source, target]) {
    const parsed = parseName(name);
    if (!parsed.ok) return parsed.why;
    if (effect === 'allow' && looksDisposable(name)) return 'a disposable gets no lasting grant';
  }
  if (source === target) return 'source and target are the same';
  return folder.ok ? undefined : folder.why;
}
