// SPDX-License-Identifier: MIT

import { isDeepStrictEqual } from 'node:util';
import { Book } from '../../policy/book.ts';
import { type Selector, selects, withRule } from '../../policy/change.ts';
import { contains, parseFolder } from '../../policy/folder.ts';
import { looksDisposable, parseName } from '../../policy/name.ts';
import type { Parsed } from '../../policy/parsed.ts';
import { type Access, formatRule, isAlive, ONCE_MS, type Request, type Rule } from '../../policy/rule.ts';
import { ruleWords } from '../../policy/words.ts';
import { usageError } from '../report.ts';
import type { Books } from './desk.ts';
import { allMachines } from './machines.ts';

/** A name or path on the command line. Throws NinefoldError RULE_NAME or RULE_FOLDER (exit 64). */
export const nameArgument = (text: string): string =>
  argument('RULE_NAME', 'the name', text, parseName(text));
/** One slash behind a name is no matter; `//` is none, and would be all folders. */
export const folderArgument = (text: string): string =>
  argument('RULE_FOLDER', 'the folder', text, parseFolder(text.replace(/([^/])\/$/, '$1')));

function argument(code: string, what: string, text: string, parsed: Parsed<string>): string {
  if (parsed.ok) return parsed.value;
  throw usageError(code, `cannot use ${what}`, JSON.stringify(text), parsed.why, 'check it');
}

/** `MACHINE:/FOLDER`. Throws NinefoldError RULE_FOLDER (exit 64). */
export function placeArgument(text: string): { target: string; folder: string } {
  const colon = text.indexOf(':');
  if (colon < 0)
    throw usageError(
      'RULE_FOLDER',
      'cannot use',
      JSON.stringify(text),
      'it has no ":" between machine and folder',
      'write MACHINE:/FOLDER',
    );
  return { target: nameArgument(text.slice(0, colon)), folder: folderArgument(text.slice(colon + 1)) };
}

/** `90s`, `30m`, `8h`, `7d`: seconds. Throws NinefoldError RULE_TIME (exit 64). */
export function durationArgument(text: string): number {
  const m = /^([1-9][0-9]{0,5})([smhd])$/.exec(text);
  const unit = { s: 1, m: 60, h: 3600, d: 86_400 }[m?.[2] ?? ''];
  if (m !== null && unit !== undefined && Number(m[1]) * unit <= 366 * 86_400) return Number(m[1]) * unit;
  throw usageError(
    'RULE_TIME',
    'cannot use the time',
    JSON.stringify(text),
    'it is no length of time of a year at the most',
    'write it as in 90s, 30m, 8h or 7d',
  );
}

export interface NewRule {
  readonly effect: Rule['effect'];
  readonly source: string;
  readonly target: string;
  readonly folder: string;
  readonly access: Access;
  readonly once: boolean;
  readonly seconds?: number;
}

/** A rule that was made, what it took the place of, and what a person should know. */
export interface Added {
  readonly rule: Rule;
  readonly replaced: readonly Rule[];
  readonly notes: readonly string[];
}

/** A machine that nobody knows may be one that is to come. */
async function checkRule(rule: Pick<NewRule, 'effect' | 'source' | 'target' | 'once'>): Promise<void> {
  const { effect, source, target, once } = rule;
  if (source === target)
    throw usageError(
      'RULE_PAIR',
      'cannot make a rule for',
      source,
      'it needs no grant for its own folders',
      'name two machines',
    );
  if (effect !== 'allow' || once) return;
  const both = [source, target];
  const gone =
    both.find(looksDisposable) ??
    (await allMachines()).find(({ name, disposable }) => disposable && both.includes(name))?.name;
  if (gone !== undefined)
    throw usageError(
      'RULE_DISPOSABLE',
      'will not grant for longer than once to',
      gone,
      'a disposable is gone before the grant, and the next one may get its name',
      'use --once',
    );
}

/** Adds a rule by command, and ends the sessions that it refuses. Throws NinefoldError RULE_PAIR, RULE_DISPOSABLE (exit 64), those of `allMachines`, or the store's. */
export async function addRule(books: Books, wanted: NewRule): Promise<Added> {
  await checkRule(wanted);
  const { effect, source, target, once, seconds } = wanted;
  const now = books.now();
  const lasts = once ? 'once' : seconds === undefined ? 'always' : 'until';
  const until = once ? now + ONCE_MS : seconds === undefined ? undefined : now + seconds * 1000;
  const rule: Rule = {
    id: books.newId(),
    effect,
    source,
    target,
    folder: effect === 'block' ? '/' : wanted.folder,
    access: effect === 'allow' ? wanted.access : 'rw',
    lasts,
    ...(until === undefined ? {} : { until }),
    origin: 'command',
    made: now,
  };
  return keepRule(books, rule, ruleWords(rule));
}

/**
 * Puts a rule as it is: one that was taken away, or one that was changed, which keeps its id. It takes the place of the rule of that id and of what was decided for the same folder. `ifIs`: only if that rule
 * is still there and says just this, so that nothing comes back that was taken away or changed meanwhile. Throws NinefoldError RULE_TIME (it has run out, or is for once and lasts longer than that does), RULE_PAIR,
 * RULE_DISPOSABLE, RULE_CHANGED (exit 64), those of `allMachines`, or the store's.
 */
export async function putRule(books: Books, rule: Rule, ifIs?: Rule): Promise<Added> {
  const now = books.now();
  await checkRule({ ...rule, once: rule.lasts === 'once' });
  const late = rule.lasts === 'once' && (rule.until ?? 0) > now + ONCE_MS;
  if (late || !isAlive(rule, now))
    throw usageError(
      'RULE_TIME',
      'will not put',
      `rule ${rule.id}`,
      late ? `what is granted once is good for ${ONCE_MS / 60_000} minutes at the most` : 'its time is over',
      late ? 'give it an earlier "until", or make a new rule' : 'give it a later "until", or make a new rule',
    );
  if (ifIs !== undefined) checkSame(books.store.load().rules, ifIs);
  return keepRule(books, rule, `put as it is: ${ruleWords(rule)}`, ifIs);
}

/** Throws NinefoldError RULE_CHANGED (exit 64). */
function checkSame(rules: readonly Rule[], ifIs: Rule): void {
  const now = rules.find((rule) => rule.id === ifIs.id);
  if (now !== undefined && isDeepStrictEqual(formatRule(now), formatRule(ifIs))) return;
  throw usageError(
    'RULE_CHANGED',
    'will not put',
    `rule ${ifIs.id}`,
    now === undefined
      ? 'it was taken away meanwhile, or its time is over'
      : `it was changed meanwhile: ${ruleWords(now)}`,
    'look at the rules again, and then decide',
  );
}

async function keepRule(books: Books, rule: Rule, why: string, ifIs?: Rule): Promise<Added> {
  const { effect, source, target, folder } = rule;
  const told = { source, target, folder, rule: rule.id };
  // Written down first: what cannot be told later is not granted.
  books.audit.write({ event: 'change', ...told, result: effect, why });
  let made: Pick<Added, 'replaced' | 'notes'>;
  try {
    made = await books.store.change((rules, now) => {
      if (ifIs !== undefined) checkSame(rules, ifIs);
      const others = rules.filter((r) => r.id !== rule.id);
      const after = withRule(others, rule);
      const replaced = rules.filter((r) => !after.includes(r));
      return { rules: after, result: { replaced, notes: notesOf(after, rule, now) } };
    });
  } catch (error) {
    if (ifIs !== undefined)
      books.audit.write({ event: 'change', ...told, result: 'refused', why: (error as Error).message });
    throw error;
  }
  if (effect === 'allow') books.gate.forget(source);
  else endRefused(books);
  return { rule, ...made };
}

function notesOf(rules: readonly Rule[], rule: Rule, now: number): string[] {
  const notes: string[] = [];
  const of = (r: Rule): boolean => r.source === rule.source && r.target === rule.target && isAlive(r, now);
  if (rule.effect === 'deny')
    for (const wider of rules)
      if (
        of(wider) &&
        wider.effect === 'allow' &&
        wider.folder !== rule.folder &&
        contains(wider.folder, rule.folder)
      )
        notes.push(
          `who mounts ${wider.folder} (rule ${wider.id}) cannot go into it there; mounts of that are ended`,
        );
  const request: Request = { ...rule };
  const decision = new Book(rules).decide(request, now);
  if (rule.effect === 'allow' && decision.kind !== 'allow' && decision.rule !== undefined)
    notes.push(`it has no effect: ${ruleWords(decision.rule)}`);
  return notes;
}

/** Takes rules away, and ends the sessions that they allowed, those of one-time grants too. Returns the rules and how many sessions are told to end. */
export async function revokeRules(
  books: Books,
  selector: Selector,
): Promise<{ rules: Rule[]; sessions: number }> {
  // Looked at before: their keeper may end them before we come to it, and they are counted all the same. And after: one may have begun meanwhile.
  const before = books.sessions.list();
  const gone = await books.store.change((rules) => {
    const selected = rules.filter((rule) => selects(selector, rule));
    return {
      rules: selected.length === 0 ? rules : rules.filter((rule) => !selected.includes(rule)),
      result: selected,
    };
  });
  for (const rule of gone)
    books.audit.write({
      event: 'change',
      source: rule.source,
      target: rule.target,
      folder: rule.folder,
      result: 'revoked',
      rule: rule.id,
      why: `taken away: ${ruleWords(rule)}`,
    });
  let sessions = 0;
  const ids = new Set(gone.filter((rule) => rule.effect === 'allow').map((rule) => rule.id));
  const known = new Set(before.map((s) => s.id));
  for (const s of [...before, ...books.sessions.list().filter(({ id }) => !known.has(id))]) {
    const { id: _, ...place } = selector;
    const meant =
      ids.has(s.rule) ||
      (selector.id === undefined
        ? selects(place, { ...s, id: s.rule } as unknown as Rule)
        : s.id === selector.id || s.rule === selector.id);
    if (!meant) continue;
    // The log first: the keeper's own line of the end follows within the quarter of a second.
    books.audit.write({
      event: 'change',
      source: s.source,
      target: s.target,
      folder: s.folder,
      session: s.id,
      result: 'to be ended',
    });
    books.sessions.end(s.id, 'its grant was revoked');
    sessions++;
  }
  return { rules: gone, sessions };
}

/** Tells the sessions to end that the rules refuse now, without waiting for their keepers to notice. */
function endRefused(books: Books): void {
  const book = books.store.load();
  for (const s of books.sessions.list()) {
    const { kind } = book.decide(s, books.now());
    if (kind === 'deny' || kind === 'block')
      books.sessions.end(s.id, kind === 'deny' ? 'it is denied now' : 'it is blocked now');
  }
}
