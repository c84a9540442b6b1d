// SPDX-License-Identifier: MIT

import type { Decision } from './book.ts';
import type { Access, Request, Rule } from './rule.ts';
import { showFolder } from './show.ts';

export const accessWords = (access: Access): string => (access === 'ro' ? 'read only' : 'read and write');

export function lastsWords(rule: Rule): string {
  if (rule.lasts === 'always') return 'always';
  return `${rule.lasts === 'once' ? 'once, until' : 'until'} ${moment(rule.until ?? 0)}`;
}

/** `2026-11-24 21:30:05`, UTC. */
export const moment = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

const ORIGINS: Readonly<Record<Rule['origin'], string>> = {
  asked: 'a person was asked',
  command: 'a command',
  migrated: 'taken over from the original program',
};

/** One rule in one line: for lists and explanations. */
export function ruleWords(rule: Rule): string {
  const origin = `rule ${rule.id}, ${moment(rule.made)}, ${ORIGINS[rule.origin]}`;
  if (rule.effect === 'block')
    return `everything that ${rule.source} asks of ${rule.target} is blocked, ${lastsWords(rule)} (${origin})`;
  const folder = showFolder(rule.folder).text;
  if (rule.effect === 'deny')
    return `${rule.source} is denied ${folder} on ${rule.target}, ${lastsWords(rule)} (${origin})`;
  return `${rule.source} may ${accessWords(rule.access)} ${folder} on ${rule.target}, ${lastsWords(rule)} (${origin})`;
}

/** Why a request gets the answer that it gets: what a person reads in `ninefold policy explain`. */
export function explain(request: Request, decision: Decision): string {
  const { source, target, access } = request;
  const folder = showFolder(request.folder).text;
  const wish = `${source} asks to ${accessWords(access)} ${folder} on ${target}`;
  if (source === target)
    return `${wish}: refused, as a request that makes no sense. Nobody asks for a folder of its own.`;
  switch (decision.kind) {
    case 'block':
      return `${wish}: refused. A block comes before everything else: ${ruleWords(decision.rule)}.`;
    case 'deny':
      return `${wish}: refused. The rule for the deepest folder decides${sameFolder(request, decision.rule)}: ${ruleWords(decision.rule)}.`;
    case 'allow':
      return `${wish}: allowed. The rule for the deepest folder decides${sameFolder(request, decision.rule)}: ${ruleWords(decision.rule)}.`;
    case 'undecided':
      return decision.rule === undefined
        ? `${wish}: a person is asked. No rule is about this folder or one above it.`
        : `${wish}: a person is asked. There is only an allowance to read: ${ruleWords(decision.rule)}.`;
  }
}

const sameFolder = (request: Request, rule: Rule): string =>
  rule.folder === request.folder ? ', and it is this very one' : '';
