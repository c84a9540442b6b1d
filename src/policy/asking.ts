// SPDX-License-Identifier: MIT

import * as v from 'valibot';
import { parseFolder } from './folder.ts';
import { looksDisposable, parseName } from './name.ts';
import { bad, good, type Parsed } from './parsed.ts';
import { ONCE_MS, type Request, type Rule } from './rule.ts';
import { showFolder } from './show.ts';

/** What an asking program gets on its standard input: one JSON document. docs/ASKING.md is its page. */
export interface Question extends Request {
  readonly version: 1;
  /** The folder fit to be seen, as plain text, and what to know about it. */
  readonly shown: string;
  readonly notes: readonly string[];
  /** The question in one sentence. */
  readonly sentence: string;
  /** What may be answered: `always` and `until` are missing where one side is a disposable. */
  readonly lasts: readonly Rule['lasts'][];
  /** Seconds until the broker takes silence for a no. */
  readonly patience: number;
  /** Requests of the same source that were refused unasked since the last question. */
  readonly refusedMeanwhile: number;
  /** Questions of other sources that stood in line when this one was put. Missing: 0, or not known. */
  readonly waiting?: number;
  /** A file that says from then on how many there are, in decimal digits. */
  readonly waitingFile?: string;
}

const NAME = v.pipe(
  v.string(),
  v.check((text) => parseName(text).ok, 'no name of a machine'),
);
const COUNT = v.pipe(v.number(), v.integer(), v.minValue(0));
/** A folder's text may be 4,095 bytes and each of them an escape. */
const TEXT = v.pipe(v.string(), v.maxLength(64 * 1024));
const QUESTION = v.object({
  version: v.literal(1),
  source: NAME,
  target: NAME,
  folder: v.pipe(
    v.string(),
    v.check((text) => parseFolder(text).ok, 'no folder that can be asked for'),
  ),
  access: v.picklist(['ro', 'rw']),
  shown: TEXT,
  notes: v.array(TEXT),
  sentence: TEXT,
  lasts: v.array(v.picklist(['once', 'until', 'always'])),
  patience: v.pipe(v.number(), v.minValue(1), v.maxValue(86_400)),
  refusedMeanwhile: COUNT,
  waiting: v.exactOptional(COUNT),
  waitingFile: v.exactOptional(v.pipe(v.string(), v.startsWith('/'), v.maxLength(4096))),
});

/** For an asking program: what it was given, checked again. What it does not know of a later version's members is left out. */
export function parseQuestion(text: string): Parsed<Question> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return bad('the question is no JSON');
  }
  const parsed = v.safeParse(QUESTION, json);
  if (parsed.success) return good(parsed.output);
  const where = v.getDotPath(parsed.issues[0]);
  return bad(`the question is wrong${where === null ? '' : ` at "${where}"`}: ${parsed.issues[0].message}`);
}

const ANSWER = v.strictObject({
  version: v.literal(1),
  answer: v.picklist(['allow', 'deny', 'block']),
  /** Of an allowance. No wider than what was asked for. Default: what was asked for. */
  access: v.exactOptional(v.picklist(['ro', 'rw'])),
  /** Default: `once`. */
  lasts: v.exactOptional(v.picklist(['once', 'until', 'always'])),
  /** With `until`: seconds from now. */
  seconds: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(366 * 86_400))),
});
export type Answer = v.InferOutput<typeof ANSWER>;

/** A person's answer as the asking program writes it on its standard output. */
export function parseAnswer(text: string): Parsed<Answer> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return bad('the answer is no JSON');
  }
  const parsed = v.safeParse(ANSWER, json);
  if (!parsed.success) {
    const where = v.getDotPath(parsed.issues[0]);
    return bad(`the answer is wrong${where === null ? '' : ` at "${where}"`}: ${parsed.issues[0].message}`);
  }
  const { lasts, seconds, answer, access } = parsed.output;
  if ((lasts === 'until') !== (seconds !== undefined))
    return bad('"seconds" belongs to "until", and it to that');
  if (answer !== 'allow' && access !== undefined) return bad('"access" belongs to an allowance');
  return good(parsed.output);
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
