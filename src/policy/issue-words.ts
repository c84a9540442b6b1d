// SPDX-License-Identifier: MIT

import type * as v from 'valibot';

const KINDS: Readonly<Record<string, string>> = {
  Object: 'an object, in braces',
  Array: 'a list, in brackets',
  string: 'text, in quotes',
  number: 'a number',
  boolean: 'true or false',
};

/** What is wrong with a part of a file, for whoever has written it. The validator's own words are for programmers; those of our schemas stay. */
export function issueWords(issue: v.BaseIssue<unknown>): string {
  const { message, path, type, expected } = issue;
  if (!message.startsWith('Invalid ')) return message;
  if (path?.at(-1)?.origin === 'key') return expected === 'never' ? 'nothing has that name' : 'it is missing';
  if (type === 'integer') return 'it must be a whole number';
  const bound = /^([<>])=(.+)$/.exec(expected ?? '');
  if (bound !== null) return `it must be ${bound[1] === '>' ? 'at least' : 'at most'} ${bound[2]}`;
  const kind = KINDS[expected ?? ''];
  if (kind !== undefined) return `it must be ${kind}`;
  const choices = (expected ?? '').replace(/^\((.*)\)$/, '$1').split(' | ');
  return choices.length === 1 ? `it must be ${choices[0]}` : `it must be one of ${choices.join(', ')}`;
}
