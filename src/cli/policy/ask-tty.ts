// SPDX-License-Identifier: MIT

import { openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReadStream, WriteStream } from 'node:tty';
import { printable } from '../../base/error.ts';
import type { Answer } from '../../policy/answer.ts';
import { parseQuestion, type Question } from '../../policy/asking.ts';
import type { ServiceQuestion } from '../../policy/service-asking.ts';
import { accessWords } from '../../policy/words.ts';
import { describe, say, usageError } from '../report.ts';
import { forgetTyped, GUARD_MS, overAfter } from './terminal-guard.ts';

/** What the person typed → the rest of the answer. An empty line, and whatever is not listed, is a no for this time. */
const ANSWERS: Readonly<Record<string, Omit<Answer, 'version'>>> = {
  yes: { answer: 'allow', lasts: 'once' },
  read: { answer: 'allow', access: 'ro', lasts: 'once' },
  hour: { answer: 'allow', lasts: 'until', seconds: 3600 },
  always: { answer: 'allow', lasts: 'always' },
  'read always': { answer: 'allow', access: 'ro', lasts: 'always' },
  never: { answer: 'deny', lasts: 'always' },
  block: { answer: 'block' },
};
const NO: Answer = { version: 1, answer: 'deny' };

const STDOUT = 1;

/** The asking program for a terminal: `ninefold-ask-tty`, the question on standard input, the answer on standard output, the person at NINEFOLD_TTY or the controlling terminal. */
export function askTtyMain(): void {
  askAtTerminal(process.env.NINEFOLD_TTY || '/dev/tty').then(
    (answer) => {
      // No answer: whoever asks sees that by itself, or is not there.
      if (answer === undefined) process.exit(1);
      process.stdout.on('error', () => process.exit(1));
      process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
    },
    (error: unknown) => {
      const { errno, code } = error as NodeJS.ErrnoException;
      say(
        `ninefold-ask-tty: ${errno === undefined ? describe(error).line : `the terminal cannot be used (${code})`}`,
      );
      process.exit(1);
    },
  );
}

/** undefined: the question was over before anything was typed. */
async function askAtTerminal(path: string): Promise<Answer | undefined> {
  const parsed = parseQuestion(readFileSync(0, 'utf8'));
  if (!parsed.ok)
    throw usageError(
      'ASK_QUESTION',
      'cannot ask',
      'the question on standard input',
      parsed.why,
      'leave it to the broker to start this; its version may be another',
    );
  const question = parsed.value;
  // Bare descriptors: a FileHandle that nothing refers to is closed by the garbage collector, under a person who thinks for a while.
  const inputFd = openSync(path, 'r');
  const output = new WriteStream(openSync(path, 'w'));
  const over = overAfter(question.patience, STDOUT).then((why) => ({ why }));
  // What was typed before may be the answer to another question, or a line for the shell.
  const before = forgetTyped(inputFd);
  output.write(questionText(question));
  const early = await Promise.race([over, sleep(GUARD_MS)]);
  if (early !== undefined) return tellOver(output, early.why);
  const since = forgetTyped(inputFd);
  if (before || since) output.write('What was typed before this line does not count.\n');
  const input = new ReadStream(inputFd);
  const lines = createInterface({ input, output, terminal: false });
  try {
    // A terminal that ends (Ctrl-D, a closed window) is a no; readline alone would wait for its line for ever.
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const typed = await Promise.race([lines.question('> '), ended, over]);
    if (typeof typed !== 'string') return tellOver(output, typed.why);
    const word = typed.trim().toLowerCase();
    const chosen = choices(question).includes(word) ? ANSWERS[word] : undefined;
    output.write(chosen === undefined ? 'Refused.\n' : 'Noted.\n');
    return chosen === undefined ? NO : { version: 1, ...chosen };
  } finally {
    lines.close();
    input.destroy();
  }
}

function tellOver(output: WriteStream, why: string): undefined {
  output.write(`\n${why}\n`);
  say(`ninefold-ask-tty: ${why}`);
}

function choices(question: Question | ServiceQuestion): string[] {
  // Files are carried over once; nothing is kept of it but a block.
  if (question.version === 2) return ['yes', 'block'];
  return (
    Object.entries(ANSWERS)
      .filter(([, a]) => a.answer !== 'allow' || question.lasts.includes(a.lasts ?? 'once'))
      // Where reading is all that was asked for, it goes without saying.
      .filter(([, a]) => a.access === undefined || question.access === 'rw')
      .map(([word]) => word)
  );
}

/** The question in plain words; a text from elsewhere shows no control characters. */
export function questionText(q: Question | ServiceQuestion): string {
  const meanings: Readonly<Record<string, string>> = {
    yes: q.version === 2 ? 'allow it this time' : `allow it once: ${accessWords(q.access)}`,
    read: 'allow it once, to read only',
    hour: 'allow it for an hour',
    always: 'allow it always',
    'read always': 'allow it always, to read only',
    never: `refuse this folder always`,
    block: `refuse everything that ${q.source} asks of ${q.target}, always`,
  };
  const words = [
    '',
    q.sentence,
    ...q.notes.map((note) => `  Mind: ${note}`),
    ...(q.refusedMeanwhile > 0
      ? [`  Mind: ${q.refusedMeanwhile} more requests of ${q.source} were refused without asking.`]
      : []),
    ...(q.waiting === undefined || q.waiting === 0
      ? []
      : [`  Mind: ${q.waiting} more questions wait behind this one.`]),
    `Who types nothing within ${q.patience} s refuses. What is typed before the sign ">" comes does not count. Type a word there:`,
    ...choices(q).map((word) => `  ${word.padEnd(12)}${meanings[word] ?? ''}`),
    '  (anything else: refuse it this time)',
  ];
  return `\u0007${words.map((line) => `${printable(line)}\n`).join('')}`;
}
