// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { issueWords } from './issue-words.ts';

const SCHEMA = v.strictObject({
  name: v.string(),
  uid: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9))),
  way: v.exactOptional(v.picklist(['up', 'down'])),
  version: v.exactOptional(v.literal(1)),
  tags: v.exactOptional(v.array(v.pipe(v.string(), v.regex(/^a/, 'it is no tag')))),
  on: v.exactOptional(v.boolean()),
});

for (const [value, words] of [
  [undefined, 'it must be an object, in braces'],
  [{ name: 'a', nmae: 1 }, 'nothing has that name'],
  [{}, 'it is missing'],
  [{ name: 1 }, 'it must be text, in quotes'],
  [{ name: 'a', uid: '1' }, 'it must be a number'],
  [{ name: 'a', uid: 1.5 }, 'it must be a whole number'],
  [{ name: 'a', uid: -1 }, 'it must be at least 0'],
  [{ name: 'a', uid: 10 }, 'it must be at most 9'],
  [{ name: 'a', way: 'left' }, 'it must be one of "up", "down"'],
  [{ name: 'a', version: 2 }, 'it must be 1'],
  [{ name: 'a', tags: 'a' }, 'it must be a list, in brackets'],
  [{ name: 'a', tags: ['b'] }, 'it is no tag'],
  [{ name: 'a', on: 'yes' }, 'it must be true or false'],
] as const)
  test(`${JSON.stringify(value)}: ${words}`, () => {
    const issue = v.safeParse(SCHEMA, value).issues?.[0];
    assert.ok(issue !== undefined);
    assert.equal(issueWords(issue), words);
  });
