// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { SLOWNESS } from './patience.ts';

/** What every piece of Python begins with: `say` and `hear` speak lines with the case that started it. */
const PRELUDE = `
import os, sys, errno, fcntl, mmap, struct
args = sys.argv[1:]
def say(*words): print(*words, flush=True)
def hear(): return sys.stdin.readline().strip()
def tried(fn):
    try:
        fn()
        return 'ok'
    except OSError as e:
        return errno.errorcode[e.errno]
`;

/** Debian's own where it is: what else may be on the path (pyenv's) is often a shell script that takes longer than the case. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
/** Without what an installation adds: a start costs half as much. */
const BARE = ['-S', '-E', '-c'];
/** Imported only where they are named: they pull in half the library. */
const COSTLY = ['socket', 'signal', 'time'];

function whole(code: string): string {
  const more = COSTLY.filter((m) => new RegExp(`\\b${m}\\.`).test(code)).map((m) => `import ${m}\n`);
  return `${more.join('')}${PRELUDE}${code}`;
}

const TIME_LIMIT_MS = 20_000 * SLOWNESS;

/** Other processes for the cases: python3 has mmap, fcntl and flock, and no event loop in the way. Every one is ended with its case. */
export class Python {
  private readonly running = new Set<PythonProcess>();

  /** Runs `code` to its end and returns what it printed, trimmed. Throws when it fails. */
  run(code: string, ...args: string[]): string {
    const done = spawnSync(PYTHON, [...BARE, whole(code), ...args], {
      encoding: 'utf8',
      timeout: TIME_LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    if (done.error) throw done.error;
    if (done.signal !== null || done.status !== 0)
      throw new Error(
        `python ended with ${done.signal ?? done.status}: ${done.stderr.trim().split('\n').at(-1)}`,
      );
    return done.stdout.trim();
  }

  /** How `code` ended: its exit status, or the signal that killed it. */
  ending(code: string, ...args: string[]): number | string {
    const done = spawnSync(PYTHON, [...BARE, whole(code), ...args], {
      timeout: TIME_LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    return done.signal ?? done.status ?? -1;
  }

  start(code: string, ...args: string[]): PythonProcess {
    const child = new PythonProcess(
      spawn(PYTHON, [...BARE, whole(code), ...args], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    this.running.add(child);
    return child;
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.running].map((child) => child.kill()));
    this.running.clear();
  }
}

export class PythonProcess {
  private readonly child: ChildProcess;
  private readonly lines: string[] = [];
  private readonly reader: Interface;
  private waiting: ((line: string | undefined) => void) | undefined;
  private closed = false;
  private readonly exit: Promise<number | string>;

  constructor(child: ChildProcess) {
    this.child = child;
    this.exit = new Promise((resolve) =>
      child.once('close', (code, signal) => resolve(signal ?? code ?? -1)),
    );
    if (child.stdout === null) throw new Error('a child without a stdout');
    this.reader = createInterface({ input: child.stdout });
    this.reader.on('line', (line) => {
      const { waiting } = this;
      this.waiting = undefined;
      if (waiting) waiting(line);
      else this.lines.push(line);
    });
    this.reader.on('close', () => {
      this.closed = true;
      this.waiting?.(undefined);
      this.waiting = undefined;
    });
  }

  /** The next line that it says. Throws when it ends without one. */
  async hear(): Promise<string> {
    const line =
      this.lines.shift() ??
      (this.closed
        ? undefined
        : await new Promise<string | undefined>((resolve) => (this.waiting = resolve)));
    if (line === undefined) throw new Error('the helper process ended without a word');
    return line;
  }

  say(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  async ask(line: string): Promise<string> {
    this.say(line);
    return this.hear();
  }

  /** Closes its stdin and waits for the end. */
  async ended(): Promise<number | string> {
    this.child.stdin?.end();
    return this.exit;
  }

  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.exit;
  }
}
