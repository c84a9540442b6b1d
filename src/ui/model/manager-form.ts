// SPDX-License-Identifier: MIT

import { parseFolder } from '../../policy/folder.ts';
import { looksDisposable, parseName } from '../../policy/name.ts';
import type { Rule } from '../../policy/rule.ts';
import { type Call, putCall, type RuleJson } from './manager-call.ts';
import { fill, type Translate } from './manager-words.ts';
import { reasonWords } from './reasons.ts';

/** What a rule does, as a person chooses it. */
export const KINDS = ['ro', 'rw', 'deny', 'block'] as const;
export type Kind = (typeof KINDS)[number];

/** How long: `same` is what the rule that is edited has. */
export const SPANS = ['always', 'hour', 'day', 'week', 'same'] as const;
export type Span = (typeof SPANS)[number];
const SECONDS: Readonly<Record<'hour' | 'day' | 'week', number>> = { hour: 3600, day: 86_400, week: 604_800 };

/** The fields of the window in which a rule is made or changed. */
export interface RuleForm {
  readonly source: string;
  readonly target: string;
  readonly folder: string;
  readonly kind: Kind;
  readonly span: Span;
}

export const EMPTY_FORM: RuleForm = { source: '', target: '', folder: '', kind: 'ro', span: 'always' };

export const kindOf = ({ effect, access }: Rule): Kind => (effect === 'allow' ? access : effect);

export const formOf = (rule: Rule): RuleForm => ({
  source: rule.source,
  target: rule.target,
  folder: rule.effect === 'block' ? '' : rule.folder,
  kind: kindOf(rule),
  span: rule.lasts === 'always' ? 'always' : 'same',
});

/** Which field is wrong, and why: a sentence for a person. */
export interface Wrong {
  readonly field: 'source' | 'target' | 'folder' | 'span';
  readonly why: string;
}

/** `disposable`: machines that are known to be. An empty field is wrong too: the window asks for all of them. */
export function wrongOf(
  form: RuleForm,
  disposable: ReadonlySet<string>,
  before: Rule | undefined,
  _: Translate,
): Wrong | undefined {
  for (const field of ['source', 'target'] as const) {
    const name = parseName(form[field].trim());
    if (!name.ok) return { field, why: reasonWords(name.why, _) };
  }
  const { source, target, folder } = plain(form, before);
  if (source === target) return { field: 'target', why: _('a machine needs no grant for its own folders') };
  if (form.kind !== 'block') {
    const path = parseFolder(folder);
    if (!path.ok) return { field: 'folder', why: reasonWords(path.why, _) };
  }
  const once = form.span === 'same' && before?.lasts === 'once';
  const gone = [source, target].find((name) => looksDisposable(name) || disposable.has(name));
  if ((form.kind === 'ro' || form.kind === 'rw') && !once && gone !== undefined)
    return {
      field: 'span',
      why: fill(_('{0} is a disposable: nothing that lasts can be granted to it'), gone),
    };
  if (once && form.kind !== 'ro' && form.kind !== 'rw')
    return { field: 'span', why: _('only an allowance can be for once') };
  return undefined;
}

/** `before`: the rule that is edited. A folder that nobody has touched stays what it is: a name may end with a blank. */
function plain(form: RuleForm, before?: Rule): { source: string; target: string; folder: string } {
  const source = form.source.trim();
  const target = form.target.trim();
  if (before !== undefined && form.folder === formOf(before).folder)
    return { source, target, folder: form.folder };
  const folder = form.folder.trim();
  return { source, target, folder: folder.length > 1 ? folder.replace(/\/+$/, '') : folder };
}

/** The call that makes a new rule of a form without fault. */
export function addCall(form: RuleForm): Call {
  const { source, target, folder } = plain(form);
  const { kind, span } = form;
  const time = span === 'always' || span === 'same' ? [] : ['--for', `${SECONDS[span]}s`];
  if (kind === 'block') return { args: ['policy', 'block', source, target, ...time, '--json'] };
  const place = `${target}:${folder}`;
  if (kind === 'deny') return { args: ['policy', 'deny', source, place, ...time, '--json'] };
  return {
    args: ['policy', 'allow', source, place, ...(kind === 'ro' ? ['--read-only'] : []), ...time, '--json'],
  };
}

/**
 * The call that changes a rule. It keeps its id; and as long as it is for the same folder of the same machine it stays bound to the very folder that was granted. From then on it counts as made by command, because
 * nobody was asked for what it says now. Nothing is changed where the rule is no longer what the window showed. `now`: milliseconds since 1970.
 */
export function editCall(form: RuleForm, before: { rule: Rule; json: RuleJson }, now: number): Call {
  const { source, target, folder } = plain(form, before.rule);
  const { kind, span } = form;
  const effect = kind === 'ro' || kind === 'rw' ? 'allow' : kind;
  const path = effect === 'block' ? '/' : folder;
  const { bound, until, lasts, ...rest } = before.json;
  const samePlace = effect === 'allow' && target === before.rule.target && path === before.rule.folder;
  const time =
    span === 'same'
      ? { lasts, ...(until === undefined ? {} : { until }) }
      : span === 'always'
        ? { lasts: 'always' }
        : { lasts: 'until', until: new Date(now + SECONDS[span] * 1000).toISOString() };
  return putCall(
    {
      ...rest,
      effect,
      source,
      target,
      folder: path,
      access: effect === 'allow' ? kind : 'rw',
      ...time,
      origin: 'command',
      made: new Date(now).toISOString(),
      ...(samePlace && bound !== undefined ? { bound } : {}),
    },
    before.json,
  );
}
