// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { askBy } from '../../src/broker/ask.ts';
import type { Question } from '../../src/policy/asking.ts';
import { scratch } from '../helpers/places.ts';

const question = (patience: number): Question => ({
  version: 1,
  source: 'work',
  target: 'vault',
  folder: '/a',
  access: 'ro',
  shown: '/a',
  notes: [],
  sentence: 'work wants to read /a.',
  lasts: ['once'],
  patience,
  refusedMeanwhile: 0,
});

/** A shell's command that leaves something behind in a session of its own, with the command's output open; ended when the test is. */
function leaving(t: TestContext, then: string): string[] {
  let pidFile = '';
  // Before the folder is removed.
  t.after(() => process.kill(Number(readFileSync(pidFile, 'utf8'))));
  pidFile = join(scratch(t, 'ask'), 'pid');
  return ['/bin/sh', '-c', `setsid sleep 600 & echo $! > ${pidFile}; ${then}`];
}

test('an asking program that leaves a daemon behind has answered all the same', async (t) => {
  const argv = leaving(t, `echo '{"version":1,"answer":"allow"}'`);
  const asked = await askBy(argv, question(60));
  assert.equal(asked.kind, 'answer');
});

test('when its time is over, nothing that it left behind keeps the question open', async (t) => {
  const since = performance.now();
  assert.deepEqual(await askBy(leaving(t, 'sleep 600'), question(1)), { kind: 'timeout' });
  assert.ok(performance.now() - since < 60_000);
});

test('one that cannot be run, ends badly, or talks nonsense', async () => {
  const kinds = [['/nowhere/ask'], ['/bin/false'], ['/bin/echo', '{}'], ['/bin/sh', '-c', 'kill -9 $$']];
  for (const argv of kinds) assert.equal((await askBy(argv, question(10))).kind, 'failed', argv.join(' '));
});
