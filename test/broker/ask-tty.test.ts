// SPDX-License-Identifier: MIT
// The asking program of the terminal: which keys are an answer, and which are not.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { questionOf } from '../../src/policy/asking.ts';
import { program } from '../helpers/places.ts';
import { noTerminal, onTerminal } from '../helpers/terminal.ts';
import { NODE, type World, world } from './world.ts';

// A reason, or false: they run.
const needsTerminal = { skip: noTerminal() ?? false };

const question = questionOf(
  { source: 'work', target: 'vault', folder: '/home/user/Документы', access: 'rw' },
  { disposable: false, patience: 60, refusedMeanwhile: 7 },
);

/** The shell's command that puts the question; the answer goes to the file `answer`. On lines of their own: dash redirects first, and then expands the assignments before a command. */
function asks(w: World, of: object = question, to = `> ${w.path('answer')}`): string {
  writeFileSync(w.path('q'), JSON.stringify(of));
  return `terminal=$(tty); NINEFOLD_TTY=$terminal ${NODE} ${program('ninefold-ask-tty')} < ${w.path('q')} ${to}`;
}

test('what is typed is the answer, and nothing, or anything else, is a no', needsTerminal, async (t) => {
  const typed: readonly [words: string, answer: object][] = [
    ['yes\n', { answer: 'allow', lasts: 'once' }],
    ['read always\n', { answer: 'allow', access: 'ro', lasts: 'always' }],
    ['hour\n', { answer: 'allow', lasts: 'until', seconds: 3600 }],
    ['block\n', { answer: 'block' }],
    ['\n', { answer: 'deny' }],
    ['y\n', { answer: 'deny' }],
    ['constructor\n', { answer: 'deny' }],
    // Ctrl-D: the end of the terminal.
    ['\u0004', { answer: 'deny' }],
  ];
  const w = world(t);
  for (const [words, answer] of typed) {
    const seen = await onTerminal(asks(w), /> /, [words]);
    assert.equal(seen.code, 0, seen.text);
    const text = readFileSync(w.path('answer'), 'utf8');
    assert.ok(text !== '', `no answer to ${JSON.stringify(words)}: ${seen.text}`);
    assert.deepEqual(JSON.parse(text), { version: 1, ...answer }, `${JSON.stringify(words)}: ${seen.text}`);
  }
});

const NOT_COUNTED = /What was typed before this line does not count/;

test(
  'a line that was typed before the question came, or before it can have been read, is no answer',
  needsTerminal,
  async (t) => {
    const w = world(t);
    const answer = (): unknown => JSON.parse(readFileSync(w.path('answer'), 'utf8'));
    // `read -t 0`: a whole line is there to be read.
    const waits = `echo ready; until read -t 0; do sleep 0.02; done; ${asks(w)}`;
    const ahead = await onTerminal(`/bin/bash -c '${waits}'`, /ready|> /, ['always\n', 'yes\n']);
    assert.deepEqual([ahead.code, answer()], [0, { version: 1, answer: 'allow', lasts: 'once' }], ahead.text);
    assert.match(ahead.text, NOT_COUNTED);
    const soon = await onTerminal(asks(w), /anything else|> /, ['always\n', '\n']);
    assert.deepEqual([soon.code, answer()], [0, { version: 1, answer: 'deny' }], soon.text);
    assert.match(soon.text, NOT_COUNTED);
    // The beginning of a line, too: the rest of it is another word.
    const begun = await onTerminal(asks(w), /anything else|> /, ['blo', 'ck\n']);
    assert.deepEqual([begun.code, answer()], [0, { version: 1, answer: 'deny' }], begun.text);
  },
);

test(
  'it ends by itself: when nobody reads its answer any more, and when its time is over',
  needsTerminal,
  async (t) => {
    const w = world(t);
    const orphan = await onTerminal(`{ ${asks(w, question, '')}; } | true`, /never/, []);
    assert.equal(orphan.code, 0, orphan.text);
    assert.match(orphan.text, /Nobody waits for the answer any more/);
    const late = await onTerminal(asks(w, { ...question, patience: 1 }), /never/, []);
    assert.equal(late.code, 1, late.text);
    assert.match(late.text, /Nobody answered in time/);
    assert.equal(readFileSync(w.path('answer'), 'utf8'), '');
  },
);
