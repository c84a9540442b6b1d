// SPDX-License-Identifier: MIT
// The programs of this build, run as a person runs them, and what they leave behind.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { program } from './places.ts';

export interface Ran {
  /** Exit code, or the name of the signal that ended it. */
  code: number | string;
  stdout: string;
  stderr: string;
}

export interface RunHow {
  env?: Record<string, string>;
  cwd?: string;
  uid?: number;
  /** All of its standard input; else it has none. */
  stdin?: Uint8Array;
  /** Descriptors from 3 on. */
  fds?: readonly (number | 'pipe' | ChildProcess['stdin'])[];
  /** Milliseconds after which it is killed; the code is then SIGKILL. */
  patience?: number;
}

/** A program that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  /** Resolves once stderr matches; rejects when the program ends or 10 s pass first. */
  says(what: RegExp): Promise<void>;
}

export function start(argv: readonly string[], how: RunHow = {}): Running {
  const [command = '', ...args] = argv;
  const child = spawn(command, args, {
    stdio: [how.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...(how.fds ?? [])],
    env: { ...process.env, ...how.env },
    cwd: how.cwd,
    ...(how.uid === undefined ? {} : { uid: how.uid, gid: how.uid }),
  });
  child.stdin?.on('error', () => {}).end(how.stdin);
  const out = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), how.patience ?? 30_000);
  let over = false;
  const ended = new Promise<Ran>((resolve) => {
    const finish = (code: number | string): void => {
      over = true;
      clearTimeout(timer);
      resolve({ code, ...out });
    };
    child.once('error', (error) => finish(error.message));
    child.once('close', (code, signal) => finish(signal ?? code ?? -1));
  });
  return {
    child,
    ended,
    async says(what) {
      for (let i = 0; i < 1000 && !what.test(out.stderr); i++) {
        if (over) throw new Error(`it ended before it said ${what}: ${out.stderr}`);
        await sleep(10);
      }
      if (!what.test(out.stderr)) throw new Error(`it did not say ${what}: ${out.stderr}`);
    },
  };
}

export const run = (argv: readonly string[], how?: RunHow): Promise<Ran> => start(argv, how).ended;

export const nodeProgram = (name: string, ...args: string[]): string[] => [
  process.execPath,
  program(name),
  ...args,
];
export const ninefold = (args: readonly string[], how?: RunHow): Promise<Ran> =>
  run(nodeProgram('ninefold', ...args), how);

/** Mounts at or below `dir`, and processes with `dir` in their command line or environment: one line each. Waits a little for those that are just ending. */
export async function leftovers(dir: string): Promise<string[]> {
  let left: string[] = [];
  for (let i = 0; i < 250; i++) {
    left = [...mountsBelow(dir), ...processesOf(dir)];
    if (left.length === 0) return left;
    await sleep(20);
  }
  return left;
}

export function mountsBelow(dir: string): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(dir));
}

function processesOf(dir: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(pid) || Number(pid) === process.pid) continue;
    try {
      // One that is dead and only waits for its parent to notice has no command line any more.
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
      if (command !== '' && (command.includes(dir) || environment.includes(dir)))
        found.push(`process ${pid}: ${command.replaceAll('\0', ' ').slice(0, 200)}`);
    } catch {
      // It is gone.
    }
  }
  return found;
}

/** Why this process cannot mount, or undefined. */
export function cannotMount(): string | undefined {
  if (!existsSync('/dev/fuse')) return 'needs /dev/fuse';
  if (process.geteuid?.() !== 0) return 'needs root';
  // CAP_SYS_ADMIN is bit 21.
  const caps = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${caps}`) & (1n << 21n)) === 0n ? 'needs CAP_SYS_ADMIN' : undefined;
}
