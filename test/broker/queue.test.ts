// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { authorize } from '../../src/broker/authorize.ts';
import { encodeText } from '../../src/policy/base64.ts';
import { scratch } from '../helpers/places.ts';
import { openDesk, says } from './ground.ts';

const old = (target: string, folder: string): Buffer =>
  Buffer.from(`${encodeText(target)}\n${encodeText(folder)}\n`);

test('a question tells how many questions of other qubes wait behind it', async (t) => {
  const desk = openDesk(scratch(t, 'desk'), { four: false });
  let waiting = 0;
  desk.answer = async (q) => {
    // The others have come, each to its own lock, before the first is answered.
    while (q.source === 'one' && waiting < 2) {
      await setTimeout(5);
      waiting = Number(readFileSync(q.waitingFile ?? '', 'utf8'));
    }
    return says({ answer: 'deny' });
  };
  await Promise.all(['one', 'three', 'four'].map((source) => authorize(desk, source, old('two', '/a'))));
  assert.equal(waiting, 2);
  assert.deepEqual(desk.questions.map((q) => q.waiting ?? 0).sort(), [0, 0, 1]);
  assert.equal(desk.questions[1]?.waiting, 1);
  assert.equal(desk.gate.waiting('one'), 0);
});
