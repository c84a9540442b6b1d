// SPDX-License-Identifier: MIT

import type { Rule } from '../../policy/rule.ts';
import { isObject, type RuleJson, readRule } from './manager-call.ts';
import { fill, finder, moment, shown, type Translate } from './manager-words.ts';

/** One grant, denial or block, as the list shows it. All strings are fit to be seen. */
export interface RuleRow {
  readonly kind: 'rule';
  readonly id: string;
  readonly rule: Rule;
  readonly json: RuleJson;
  readonly title: string;
  /** Access, how long, last use, how it came about: each a sentence of its own. */
  readonly details: readonly string[];
  /** What is looked through when a person types. */
  readonly text: string;
}

/** The head of what one machine may and may not. */
export interface GroupRow {
  readonly kind: 'group';
  readonly id: string;
  readonly title: string;
  readonly count: number;
}
export type ListRow = RuleRow | GroupRow;

/** By who mounts, or by whose folder it is. */
export type Grouping = 'source' | 'target';

/** So many rules are read in one go: some milliseconds. */
const SLICE = 100;

/** Rows, and how many entries are no rules. */
export interface RuleRows {
  readonly rows: RuleRow[];
  readonly odd: number;
}

/**
 * What `ninefold policy list --uses --json` printed; what is no rule is left out, and counted. A row of `before` that says the same is the very same object again, and costs nothing: one of
 * 2,000 has changed, as a rule. Stops after each slice, so that a window can answer in between.
 */
export function* ruleSlices(
  json: unknown,
  _: Translate,
  before: readonly RuleRow[] = [],
): Generator<undefined, RuleRows> {
  const known = new Map(before.map((row) => [JSON.stringify(row.json), row]));
  const rows: RuleRow[] = [];
  let odd = 0;
  for (const [i, entry] of (Array.isArray(json) ? json : []).entries()) {
    if (i % SLICE === SLICE - 1) yield undefined;
    const old = known.get(JSON.stringify(entry));
    if (old !== undefined) {
      rows.push(old);
      continue;
    }
    const read = readRule(entry);
    if (read === undefined) odd++;
    else rows.push(rowOf(read.rule, read.json, _));
  }
  return { rows, odd };
}

/** The same in one go. */
export function rulesOf(json: unknown, _: Translate, before: readonly RuleRow[] = []): RuleRows {
  const slices = ruleSlices(json, _, before);
  for (let step = slices.next(); ; step = slices.next()) if (step.done === true) return step.value;
}

function rowOf(rule: Rule, json: RuleJson, _: Translate): RuleRow {
  const title = rule.effect === 'block' ? _('Everything') : shown(rule.folder);
  const details = [pairWords(rule, _), lastsWords(rule, _), useWords(rule, json, _), originWords(rule, _)];
  const text = [title, rule.source, rule.target, accessWords(rule, _), ...details].join('\n').toLowerCase();
  return { kind: 'rule', id: rule.id, rule, json, title, details: details.filter((d) => d !== ''), text };
}

/** `read only`, `read and write`, `denied`, `blocked`: the badge of a row. */
export function accessWords({ effect, access }: Pick<Rule, 'effect' | 'access'>, _: Translate): string {
  if (effect === 'block') return _('blocked');
  if (effect === 'deny') return _('denied');
  return access === 'ro' ? _('read only') : _('read and write');
}

function pairWords({ effect, source, target }: Rule, _: Translate): string {
  if (effect === 'allow') return fill(_('{0} may mount it from {1}'), source, target);
  if (effect === 'deny') return fill(_('{0} may not mount it from {1}'), source, target);
  return fill(_('whatever {0} asks of {1}'), source, target);
}

function lastsWords({ lasts, until }: Rule, _: Translate): string {
  if (lasts === 'always') return _('always');
  return fill(lasts === 'once' ? _('once, until {0}') : _('until {0}'), moment(until ?? Number.NaN));
}

function useWords({ effect, folder }: Rule, json: RuleJson, _: Translate): string {
  if (effect !== 'allow') return '';
  const { used } = json;
  if (!isObject(used) || typeof used.time !== 'string') return _('not used yet');
  const time = moment(Date.parse(used.time));
  const by = shown(used.source);
  if (typeof used.folder === 'string' && used.folder !== folder)
    return fill(_('last used {0} by {1} for {2}'), time, by, shown(used.folder));
  return fill(_('last used {0} by {1}'), time, by);
}

function originWords({ origin, made }: Rule, _: Translate): string {
  const words = {
    asked: _('decided when asked, {0}'),
    command: _('made by command, {0}'),
    migrated: _('taken over from the original program, {0}'),
  };
  return fill(words[origin], moment(made));
}

/** Groups in the order of their names; within one by the other machine, then by folder, a block first. */
export function sortRules(rows: readonly RuleRow[], by: Grouping): RuleRow[] {
  const other = by === 'source' ? 'target' : 'source';
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...rows].sort(
    (a, b) =>
      compare(a.rule[by], b.rule[by]) ||
      compare(a.rule[other], b.rule[other]) ||
      Number(b.rule.effect === 'block') - Number(a.rule.effect === 'block') ||
      compare(a.rule.folder, b.rule.folder) ||
      compare(a.id, b.id),
  );
}

/** What the list shows: of the sorted rows those that have all the words that were typed, each group under its head. */
export function visible(sorted: readonly RuleRow[], typed: string, by: Grouping): ListRow[] {
  const found = finder(typed);
  const list: ListRow[] = [];
  let head = -1;
  let count = 0;
  const close = (): void => {
    const group = list[head];
    if (group?.kind === 'group') list[head] = { ...group, count };
  };
  let name: string | undefined;
  for (const row of sorted) {
    if (!found(row.text)) continue;
    if (row.rule[by] !== name) {
      close();
      name = row.rule[by];
      head = list.push({ kind: 'group', id: `group ${name}`, title: name, count: 0 }) - 1;
      count = 0;
    }
    list.push(row);
    count++;
  }
  close();
  return list;
}
