// SPDX-License-Identifier: MIT

import { printable } from '../base/error.ts';
import { type Answer, parseAnswer } from '../policy/answer.ts';
import type { Question } from '../policy/asking.ts';
import type { ServiceQuestion } from '../policy/service-asking.ts';
import { keptChild } from './kept-child.ts';

/** How a question ended. */
export type Asked =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'timeout' }
  /** Nobody could be asked, or what came back was no answer. */
  | { readonly kind: 'failed'; readonly why: string };

const OUTPUT_MAX = 64 * 1024;
/** How long the program has to go by itself once its time is over. */
const GRACE_MS = 1000;
/** How long what it wrote may still be on its way when it has ended: something it started may hold its output open for ever. */
const AFTER_END_MS = 500;

/** Ends a question that is open, for this reason; resolves when its program has gone. */
type End = (why: string) => Promise<void>;
const open = new Set<End>();

/** Ends all questions that are open in this process, within a second or two: nobody would hear the answers. */
export const endQuestions = async (why: string): Promise<void> => {
  await Promise.all([...open].map((end) => end(why)));
};

/**
 * Runs the asking program: the question as JSON on its standard input, the answer as JSON on its standard output, status 0. Its group is ended when the time
 * is over, or this process ends, with all that it started; what has left the group, as a desktop's daemons do, is not waited for. Never rejects.
 */
export function askBy(
  argv: readonly string[],
  question: Question | ServiceQuestion,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Asked> {
  return new Promise((resolve) => {
    const { child } = keptChild(argv, 'pipe', { env });
    const out: Buffer[] = [];
    let size = 0;
    let words = '';
    let late = false;
    let ordered: string | undefined;
    const kill = (signal: NodeJS.Signals): void => {
      try {
        process.kill(-(child.pid ?? 0), signal);
      } catch {
        // ESRCH: it is gone.
      }
    };
    let last: NodeJS.Timeout | undefined;
    let after: NodeJS.Timeout | undefined;
    const stop = (): void => {
      kill('SIGTERM');
      last ??= setTimeout(() => kill('SIGKILL'), GRACE_MS);
    };
    const timer = setTimeout(() => {
      late = true;
      stop();
    }, question.patience * 1000);
    const heard: (() => void)[] = [];
    const end: End = (why) => {
      ordered = why;
      stop();
      return new Promise((told) => heard.push(told));
    };
    open.add(end);
    const finish = (asked: Asked): void => {
      open.delete(end);
      clearTimeout(timer);
      clearTimeout(last);
      clearTimeout(after);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve(asked);
      for (const told of heard) told();
    };
    child.once('error', (error) =>
      finish({
        kind: 'failed',
        why: `${printable(argv[0] ?? '')} cannot be run: ${printable(error.message)}`,
      }),
    );
    child.stdout?.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= OUTPUT_MAX) out.push(part);
    });
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      words = (words + part).slice(-1000);
    });
    child.stdin?.on('error', () => {}).end(`${JSON.stringify(question)}\n`);
    child.once('exit', (status, signal) => {
      after = setTimeout(() => ended(status, signal), AFTER_END_MS);
    });
    child.once('close', (status, signal) => ended(status, signal));
    const ended = (status: number | null, signal: NodeJS.Signals | null): void => {
      if (ordered !== undefined) return finish({ kind: 'failed', why: ordered });
      if (late) return finish({ kind: 'timeout' });
      if (status !== 0) {
        const how = signal ?? `status ${status}`;
        const said = printable(words.trim().split('\n').at(-1) ?? '');
        return finish({
          kind: 'failed',
          why: `the asking program ended with ${how}${said === '' ? '' : `: ${said}`}`,
        });
      }
      if (size > OUTPUT_MAX) return finish({ kind: 'failed', why: 'the answer is too long' });
      const answer = parseAnswer(Buffer.concat(out).toString('utf8'));
      finish(answer.ok ? { kind: 'answer', answer: answer.value } : { kind: 'failed', why: answer.why });
    };
  });
}
