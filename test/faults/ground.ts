// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Step } from './journal.ts';
import type { Record_ } from './survived.ts';

/** A program beside this file. */
export const beside = (name: string, ...args: string[]): string[] => [
  process.execPath,
  fileURLToPath(new URL(`./${name}.js`, import.meta.url)),
  ...args,
];

const PATIENCE_MS = 60_000;

/** A writer in a process of its own, so that this one may serve what it writes to. */
export class Writer {
  readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor() {
    const [command = '', ...args] = beside('writer');
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
    this.lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]();
  }

  /** Writes below `dir` until a step fails. `onStep`: after each acknowledged one. Rejects when it was killed, which it is after 60 s. */
  async run(
    dir: string,
    seed: number,
    onStep: (count: number) => void = () => {},
    steps = 1_000_000,
  ): Promise<Record_ & { code: string }> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE_MS);
    try {
      return await this.take(dir, seed, steps, onStep);
    } finally {
      clearTimeout(timer);
    }
  }

  private async take(
    dir: string,
    seed: number,
    steps: number,
    onStep: (count: number) => void,
  ): Promise<Record_ & { code: string }> {
    this.child.stdin?.write(`${JSON.stringify({ dir, seed, steps })}\n`);
    const acknowledged: Step[] = [];
    let open: Step | undefined;
    for (;;) {
      const said = await this.line();
      if (said.begin !== undefined) open = said.begin;
      else if (said.done === true && open !== undefined) {
        acknowledged.push(open);
        open = undefined;
        onStep(acknowledged.length);
      } else return { acknowledged, open, code: said.end ?? 'nothing' };
    }
  }

  private async line(): Promise<{ begin?: Step; done?: boolean; end?: string }> {
    const next = await this.lines.next();
    if (next.done === true) throw new Error('the writer ended, or hung and was killed');
    return JSON.parse(next.value);
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('close', resolve));
    this.child.stdin?.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(timer);
  }
}
