// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';

const KEPT = 200_000;

export interface Ended {
  /** Exit code, or the name of the signal that ended it, or why it could not be started. */
  code: number | string;
  out: string;
  err: string;
}

/** What a job works with. */
export interface Bench {
  /** An empty folder of the job on the mount. */
  dir: string;
  /** An empty local folder of the job. */
  local: string;
  /** Runs a command in `cwd` (default `dir`). It and all that it started are ended when the job's time is over. */
  run(argv: readonly string[], how?: { cwd?: string; env?: Record<string, string> }): Promise<Ended>;
  /** As `run`, and throws with the command's last words unless it ended with 0. */
  must(argv: readonly string[], how?: { cwd?: string; env?: Record<string, string> }): Promise<Ended>;
}

/** A program group of its own for each command, so that nothing of a job outlives it. */
export class Runner implements Bench {
  readonly dir: string;
  readonly local: string;
  private readonly deadline: number;

  /** `limitMs`: from now on, for everything together. */
  constructor(dir: string, local: string, limitMs: number) {
    this.dir = dir;
    this.local = local;
    this.deadline = performance.now() + limitMs;
  }

  run(argv: readonly string[], how: { cwd?: string; env?: Record<string, string> } = {}): Promise<Ended> {
    const left = this.deadline - performance.now();
    if (left <= 0) return Promise.resolve({ code: 'out of time', out: '', err: '' });
    return new Promise((resolve) => {
      const child = spawn(argv[0] as string, argv.slice(1), {
        cwd: how.cwd ?? this.dir,
        env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: 'C.UTF-8', ...how.env },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      const said = { out: '', err: '' };
      child.stdout.on('data', (d: Buffer) => {
        said.out = (said.out + d.toString()).slice(-KEPT);
      });
      child.stderr.on('data', (d: Buffer) => {
        said.err = (said.err + d.toString()).slice(-KEPT);
      });
      let late = false;
      const end = (): void => {
        try {
          process.kill(-(child.pid as number), 'SIGKILL');
        } catch {
          // All of it has ended.
        }
      };
      const timer = setTimeout(() => {
        late = true;
        end();
      }, left);
      // Ctrl-C reaches this process alone: the group is another.
      process.once('exit', end);
      const done = (code: number | string): void => {
        clearTimeout(timer);
        process.off('exit', end);
        resolve({ code: late ? 'out of time' : code, ...said });
      };
      child.once('error', (error) => done(error.message));
      child.once('close', (code, signal) => done(signal ?? code ?? -1));
    });
  }

  async must(argv: readonly string[], how?: { cwd?: string; env?: Record<string, string> }): Promise<Ended> {
    const ended = await this.run(argv, how);
    if (ended.code !== 0)
      throw new Error(`${argv.slice(0, 3).join(' ')}: ${ended.code}: ${lastWords(ended)}`);
    return ended;
  }
}

export function lastWords({ out, err }: Ended): string {
  const text = err.trim() === '' ? out : err;
  return text.trim().split('\n').slice(-6).join(' | ').slice(-600);
}
