// SPDX-License-Identifier: MIT
// The asking program of this checkout on a desktop of the tests.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Question, questionOf } from '../../src/policy/asking.ts';
import {
  type AskedService,
  type ServiceQuestion,
  serviceQuestionOf,
} from '../../src/policy/service-asking.ts';
import { leftovers, type Ran } from '../helpers/cli.ts';
import { TOP } from '../helpers/places.ts';
import { cannotShow, Desktop } from './desktop.ts';

export const ASK = join(TOP, 'bin/ninefold-ask');
export const TITLE = 'Folder access';

const reason = cannotShow();
/** For the tests of windows: skipped where one cannot be shown. */
export const needsDesktop = reason === undefined ? {} : { skip: reason };

/** One desktop for a test file, ended with it; what is left running fails the file. */
export async function desktopOfFile(size?: string): Promise<() => Desktop> {
  const desktop = reason === undefined ? await Desktop.start(size) : undefined;
  after(async () => {
    await desktop?.end();
    const left = desktop === undefined ? [] : await leftovers(desktop.dir);
    if (left.length > 0) throw new Error(`left running:\n${left.join('\n')}`);
  });
  return () => {
    if (desktop === undefined) throw new Error('a test of windows has no skip');
    return desktop;
  };
}

export const question = (more: Partial<Question> = {}): Question => ({
  ...questionOf(
    {
      source: more.source ?? 'work',
      target: 'vault',
      folder: more.folder ?? '/home/user/docs',
      access: more.access ?? 'rw',
    },
    { disposable: more.lasts?.length === 1, patience: 60, refusedMeanwhile: 0 },
  ),
  ...more,
});

export const aboutFiles = (service: AskedService): ServiceQuestion =>
  serviceQuestionOf({ source: 'work', target: 'vault', service }, service, {
    patience: 60,
    refusedMeanwhile: 0,
    waiting: 0,
  });

export interface Dialog {
  readonly pid: number;
  readonly ended: Promise<Ran>;
  /** Milliseconds from the start of the program until its window had come to the front. */
  readonly shownAfter: number;
  /** The program's answer, once it has ended with status 0. */
  answer(): Promise<unknown>;
  /** Waits until the guard is open: "Allow" can be pressed. */
  opened(): Promise<void>;
}

/** Starts the program with a question; ended with the test if it has not by then. */
export function launch(t: TestContext, desktop: Desktop, asked: unknown, env: Record<string, string> = {}) {
  const child = spawn(ASK, [], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...desktop.env, ...env },
    cwd: '/',
  });
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (part: string) => {
      out[name] += part;
    });
  child.stdin.on('error', () => {});
  child.stdin.end(typeof asked === 'string' ? asked : JSON.stringify(asked));
  const ended = new Promise<Ran>((resolve) => {
    child.once('close', (code, signal) => resolve({ code: signal ?? code ?? -1, ...out }));
  });
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { pid: child.pid ?? 0, ended };
}

/** Starts the program and waits until its window is at the front. */
export async function ask(
  t: TestContext,
  desktop: Desktop,
  asked: Question | ServiceQuestion,
  env: Record<string, string> = {},
  title = TITLE,
): Promise<Dialog> {
  const began = performance.now();
  const { pid, ended } = launch(t, desktop, asked, env);
  const early = ended.then((ran) => {
    throw new Error(`it ended with ${ran.code}: ${ran.stderr}`);
  });
  await Promise.race([desktop.windowOf(title), early]);
  const shownAfter = performance.now() - began;
  early.catch(() => {});
  return {
    pid,
    ended,
    shownAfter,
    async answer() {
      const ran = await Promise.race([
        ended,
        sleep(15_000, undefined, { ref: false }).then(() => {
          throw new Error('no answer came');
        }),
      ]);
      if (ran.code !== 0) throw new Error(`status ${ran.code}: ${ran.stderr}`);
      // GLib tells there what went wrong in the program.
      if (/critical|warning/i.test(ran.stderr)) throw new Error(ran.stderr);
      return JSON.parse(ran.stdout) as unknown;
    },
    async opened() {
      await desktop.find(
        pid,
        (s) => s.role === 'push button' && s.name === 'Allow' && s.states.includes('sensitive'),
        'that "Allow" can be pressed',
      );
    },
  };
}
