// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { because, printable } from '../base/error.ts';
import { type Answer, parseAnswer } from '../policy/answer.ts';
import type { Question } from '../policy/asking.ts';
import type { ServiceQuestion } from '../policy/service-asking.ts';

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

/**
 * Runs the asking program: the question as JSON on its standard input, the answer as JSON on its standard output, status 0. Its group is ended when the time
 * is over, with all that it started; what has left the group, as a desktop's daemons do, is not waited for. Never rejects.
 */
export function askBy(
  argv: readonly string[],
  question: Question | ServiceQuestion,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Asked> {
  const [program = '', ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env });
    const out: Buffer[] = [];
    let size = 0;
    let words = '';
    let late = false;
    const kill = (signal: NodeJS.Signals): void => {
      try {
        process.kill(-(child.pid ?? 0), signal);
      } catch {
        // ESRCH: it is gone.
      }
    };
    let last: NodeJS.Timeout | undefined;
    let after: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      late = true;
      kill('SIGTERM');
      last = setTimeout(() => kill('SIGKILL'), GRACE_MS);
    }, question.patience * 1000);
    const finish = (asked: Asked): void => {
      clearTimeout(timer);
      clearTimeout(last);
      clearTimeout(after);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(asked);
    };
    child.once('error', (error) =>
      finish({
        kind: 'failed',
        why: `${printable(program)} cannot be run: ${because((error as NodeJS.ErrnoException).errno ?? 5)}`,
      }),
    );
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= OUTPUT_MAX) out.push(part);
    });
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      words = (words + part).slice(-1000);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(`${JSON.stringify(question)}\n`);
    child.once('exit', (status, signal) => {
      after = setTimeout(() => ended(status, signal), AFTER_END_MS);
    });
    child.once('close', (status, signal) => ended(status, signal));
    const ended = (status: number | null, signal: NodeJS.Signals | null): void => {
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
