// SPDX-License-Identifier: MIT

import { contains } from './folder.ts';
import { isAlive, type Rule } from './rule.ts';

/**
 * The rules with one more. It takes the place of what was decided for the very same source, target and folder before; a one-time grant stands beside a lasting rule,
 * because it goes by itself. A block takes the place of another block only: what it hides shows again when it is lifted.
 */
export function withRule(rules: readonly Rule[], added: Rule): Rule[] {
  const replaced = (rule: Rule): boolean =>
    rule.source === added.source &&
    rule.target === added.target &&
    rule.folder === added.folder &&
    (rule.lasts === 'once') === (added.lasts === 'once') &&
    (rule.effect === 'block') === (added.effect === 'block');
  return [...rules.filter((rule) => !replaced(rule)), added];
}

/** Which rules a person means: all that are given must agree. `below`: the folder and what is below it. */
export interface Selector {
  readonly id?: string;
  readonly source?: string;
  readonly target?: string;
  readonly folder?: string;
  readonly below?: boolean;
}

export function selects(selector: Selector, rule: Rule): boolean {
  const { id, source, target, folder, below } = selector;
  if (id !== undefined && rule.id !== id) return false;
  if (source !== undefined && rule.source !== source) return false;
  if (target !== undefined && rule.target !== target) return false;
  if (folder === undefined) return true;
  return below === true ? contains(folder, rule.folder) : rule.folder === folder;
}

/** The rules without those; an empty selector selects all. */
export const withoutRules = (rules: readonly Rule[], selector: Selector): Rule[] =>
  rules.filter((rule) => !selects(selector, rule));

/** The rules that have not run out. The very same array when all have time left. */
export function swept(rules: readonly Rule[], now: number): readonly Rule[] {
  return rules.every((rule) => isAlive(rule, now)) ? rules : rules.filter((rule) => isAlive(rule, now));
}

/** After a one-time grant was used it is gone; any other stays. */
export function used(rules: readonly Rule[], rule: Rule): readonly Rule[] {
  return rule.lasts === 'once' ? rules.filter((r) => r.id !== rule.id) : rules;
}

/** The rules that stand where some machines are disposables: no lasting allowance that one of them takes part in. */
export const standing = (rules: readonly Rule[], disposables: ReadonlySet<string>): readonly Rule[] =>
  disposables.size === 0
    ? rules
    : rules.filter(
        (rule) => !isLasting(rule) || !(disposables.has(rule.source) || disposables.has(rule.target)),
      );

/** What a disposable does not get. */
export const isLasting = (rule: Rule): boolean => rule.effect === 'allow' && rule.lasts !== 'once';
