// SPDX-License-Identifier: MIT

import * as v from 'valibot';
import type { Answer } from './answer.ts';
import { ASKING, type Asking, TEXT } from './asking-parts.ts';
import { parseFolder } from './folder.ts';
import { issueWords } from './issue-words.ts';
import { looksDisposable } from './name.ts';
import { bad, good, type Parsed } from './parsed.ts';
import { ONCE_MS, type Request, type Rule } from './rule.ts';
import { SERVICE_QUESTION, type ServiceQuestion } from './service-asking.ts';
import { showFolder } from './show.ts';

/** What an asking program gets on its standard input: one JSON document. docs/ASKING.md is its page. */
export interface Question extends Request, Asking {
  readonly version: 1;
  /** The folder fit to be seen, as plain text. */
  readonly shown: string;
  /** What may be answered: `always` and `until` are missing where one side is a disposable. */
  readonly lasts: readonly Rule['lasts'][];
}

const QUESTION = v.object({
  ...ASKING,
  version: v.literal(1),
  folder: v.pipe(
    v.string(),
    v.check((text) => parseFolder(text).ok, 'no folder that can be asked for'),
  ),
  access: v.picklist(['ro', 'rw']),
  shown: TEXT,
  lasts: v.array(v.picklist(['once', 'until', 'always'])),
});

/** For an asking program: what it was given, checked again. What it does not know of a later version's members is left out. */
export function parseQuestion(text: string): Parsed<Question | ServiceQuestion> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return bad('the question is no JSON');
  }
  const isService = typeof json === 'object' && json !== null && 'version' in json && json.version === 2;
  const parsed = v.safeParse(isService ? SERVICE_QUESTION : QUESTION, json);
  if (parsed.success) return good(parsed.output);
  const where = v.getDotPath(parsed.issues[0]);
  return bad(
    `the question is wrong${where === null ? '' : ` at "${where}"`}: ${issueWords(parsed.issues[0])}`,
  );
}

export function questionOf(
  request: Request,
  how: {
    disposable: boolean;
    patience: number;
    refusedMeanwhile: number;
    waiting?: number;
    waitingFile?: string;
  },
): Question {
  const shown = showFolder(request.folder);
  const what =
    request.access === 'ro' ? 'read all files below' : 'read, change and delete all files below the folder';
  return {
    version: 1,
    ...request,
    shown: shown.text,
    notes: shown.notes,
    sentence: `${request.source} wants to ${what} ${shown.text} on ${request.target}.`,
    lasts: how.disposable ? ['once'] : ['once', 'until', 'always'],
    patience: how.patience,
    refusedMeanwhile: how.refusedMeanwhile,
    ...(how.waiting === undefined || how.waiting === 0 ? {} : { waiting: how.waiting }),
    ...(how.waitingFile === undefined ? {} : { waitingFile: how.waitingFile }),
  };
}

/**
 * The rule that an answer makes; undefined: nothing is kept (a denial for this time). What goes beyond the request is refused: more access than was
 * asked for, a lasting allowance for a disposable.
 */
export function ruleOf(
  request: Request,
  answer: Answer,
  facts: { id: string; now: number; disposable: boolean; origin: Rule['origin'] },
): Parsed<Rule | undefined> {
  const { id, now, origin } = facts;
  const lasts = answer.lasts ?? (answer.answer === 'block' ? 'always' : 'once');
  const until =
    lasts === 'always' ? undefined : now + (lasts === 'once' ? ONCE_MS : (answer.seconds ?? 0) * 1000);
  const base = { id, source: request.source, target: request.target, origin, made: now };
  const time = until === undefined ? {} : { until };
  if (answer.answer === 'block') {
    if (lasts === 'once') return bad('a block for one time is a denial');
    return good({ ...base, effect: 'block', folder: '/', access: 'rw', lasts, ...time });
  }
  if (answer.answer === 'deny') {
    if (lasts === 'once') return good(undefined);
    return good({ ...base, effect: 'deny', folder: request.folder, access: 'rw', lasts, ...time });
  }
  if (facts.disposable && lasts !== 'once')
    return bad('a disposable is gone before a lasting grant, and the next one may get its name');
  const access = answer.access ?? request.access;
  if (access === 'rw' && request.access === 'ro') return bad('more is granted than was asked for');
  return good({ ...base, effect: 'allow', folder: request.folder, access, lasts, ...time });
}

/** Names alone; who knows the machines' classes knows better. */
export const disposableByName = (request: Request): boolean =>
  looksDisposable(request.source) || looksDisposable(request.target);
