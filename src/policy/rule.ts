// SPDX-License-Identifier: MIT

import * as v from 'valibot';
import { parseFolder } from './folder.ts';
import { issueWords } from './issue-words.ts';
import { parseName } from './name.ts';
import type { Parsed } from './parsed.ts';

/** Reading only, or writing too. */
export type Access = 'ro' | 'rw';
export const ACCESSES: readonly Access[] = ['ro', 'rw'];

/**
 * `allow`; `deny`: this folder and all below it, unless a rule for a folder further down says otherwise; `block`: everything that this source asks of this
 * target, whatever else is written. A denial that a person gave for one time is no rule: nothing of it is kept.
 */
export type Effect = 'allow' | 'deny' | 'block';

/** A one-time grant that is not used within this time is gone. */
export const ONCE_MS = 120_000;

/** A decision that is kept. */
export interface Rule {
  /** Eight hex digits, for a person to name it by. */
  readonly id: string;
  readonly effect: Effect;
  /** Who mounts. */
  readonly source: string;
  /** Whose folder it is. */
  readonly target: string;
  /** Canonical (`parseFolder`); `/` for a block. */
  readonly folder: string;
  /** What an allowance allows; a denial and a block refuse both, and have `rw`. */
  readonly access: Access;
  /** `once`: one connection, until `until`. */
  readonly lasts: 'once' | 'until' | 'always';
  /** Milliseconds since 1970; absent for `always`. */
  readonly until?: number;
  /** How it came about. */
  readonly origin: 'asked' | 'command' | 'migrated';
  /** Milliseconds since 1970. */
  readonly made: number;
  /** Which folder it was when it was granted, where that was looked at: another in its place is not meant. */
  readonly bound?: string;
}

/** What somebody wants. */
export interface Request {
  readonly source: string;
  readonly target: string;
  readonly folder: string;
  readonly access: Access;
}

export const isAlive = (rule: Rule, now: number): boolean => rule.until === undefined || now < rule.until;

const checked = (parse: (text: string) => Parsed<string>) =>
  v.pipe(
    v.string(),
    v.check((text: string) => parse(text).ok, 'it is not in its canonical form'),
  );

const time = v.pipe(
  v.string(),
  v.isoTimestamp('it is no time'),
  v.transform((text: string) => Date.parse(text)),
  v.number(),
);

const ENTRY = v.pipe(
  v.strictObject({
    id: v.pipe(v.string(), v.regex(/^[0-9a-f]{8}$/, 'it is no id of eight hex digits')),
    effect: v.picklist(['allow', 'deny', 'block']),
    source: checked(parseName),
    target: checked(parseName),
    folder: checked(parseFolder),
    access: v.picklist(['ro', 'rw']),
    lasts: v.picklist(['once', 'until', 'always']),
    until: v.exactOptional(time),
    origin: v.picklist(['asked', 'command', 'migrated']),
    made: time,
    bound: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f.:-]{1,100}$/))),
  }),
  v.check((r) => (r.lasts === 'always') === (r.until === undefined), '"lasts" and "until" do not agree'),
  v.check((r) => r.source !== r.target, 'source and target are the same'),
  v.check((r) => r.effect !== 'block' || r.folder === '/', 'a block has the folder "/"'),
  v.check((r) => r.effect === 'allow' || r.access === 'rw', 'a refusal has the access "rw"'),
  v.check((r) => r.effect === 'allow' || r.lasts !== 'once', 'only an allowance can be for once'),
);

/** A rule out of a file. */
export function parseRule(entry: unknown): Parsed<Rule> {
  const parsed = v.safeParse(ENTRY, entry);
  if (parsed.success) return { ok: true, value: parsed.output };
  const issue = parsed.issues[0];
  const where = v.getDotPath(issue);
  return { ok: false, why: `${where === null ? '' : `"${where}": `}${issueWords(issue)}` };
}

/** The same as plain JSON, times in words. */
export function formatRule(rule: Rule): Record<string, string> {
  const { until, bound } = rule;
  return {
    id: rule.id,
    effect: rule.effect,
    source: rule.source,
    target: rule.target,
    folder: rule.folder,
    access: rule.access,
    lasts: rule.lasts,
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
    origin: rule.origin,
    made: new Date(rule.made).toISOString(),
    ...(bound === undefined ? {} : { bound }),
  };
}
