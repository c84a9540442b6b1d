// SPDX-License-Identifier: MIT

import * as v from 'valibot';
import { issueWords } from './issue-words.ts';
import { bad, good, type Parsed } from './parsed.ts';

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
    return bad(
      `the answer is wrong${where === null ? '' : ` at "${where}"`}: ${issueWords(parsed.issues[0])}`,
    );
  }
  const { lasts, seconds, answer, access } = parsed.output;
  if ((lasts === 'until') !== (seconds !== undefined))
    return bad('"seconds" belongs to "until", and it to that');
  if (answer !== 'allow' && access !== undefined) return bad('"access" belongs to an allowance');
  return good(parsed.output);
}
