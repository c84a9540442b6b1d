// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cannotMount, leftovers, mountsBelow, ninefold, nodeProgram, run } from '../helpers/cli.ts';

/** What `ninefold list --json` tells of one mount, as far as these tests ask. */
export interface Listed {
  mountpoint: string;
  state: string;
  pid: number;
  operations: number;
}

/** A share, a mount point and a register of one's own below the system's temporary folder. */
export interface Ground {
  dir: string;
  share: string;
  mnt: string;
  env: Record<string, string>;
  list(): Promise<Listed[]>;
}

const reason = cannotMount();
/** For tests that mount. */
export const needsMount = reason === undefined ? {} : { skip: reason };

const MEMORY = '/dev/shm';
const MEMORY_LEAST = 2 ** 30;

/** Where 100,000 files are made and removed in seconds whatever the disk is like: in memory, if there is enough, else the system's temporary folder. */
export function quickPlace(): string {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= MEMORY_LEAST ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** Without a clean-up: `withGround` sees to it. */
function newGround(label: string, place: string): Ground {
  const dir = mkdtempSync(join(place, `ninefold-${label}-`));
  const [share, mnt] = [join(dir, 'share'), join(dir, 'mnt')];
  mkdirSync(share);
  mkdirSync(mnt);
  const env = { NINEFOLD_RUNTIME_DIR: join(dir, 'run') };
  const list = async (): Promise<Listed[]> => {
    const r = await ninefold(['list', '--json'], { env });
    assert.equal(r.code, 0, r.stderr);
    return (JSON.parse(r.stdout) as Listed[]).filter((m) => m.mountpoint.startsWith(dir));
  };
  return { dir, share, mnt, env, list };
}

/**
 * Runs `work` with a ground at `place` and takes everything away afterwards, whatever happened. Rejects, beside `work`'s own reasons, when a process or a mount was left.
 */
export async function withGround(
  label: string,
  place: string,
  work: (g: Ground) => Promise<void>,
): Promise<void> {
  const g = newGround(label, place);
  let failure: unknown;
  try {
    await work(g);
  } catch (error) {
    failure = error;
    // What the test did not come to: the processes end with their mounts.
    for (const m of await g.list().catch(() => []))
      await ninefold(['unmount', '--lazy', m.mountpoint], { env: g.env });
  }
  const left = await leftovers(g.dir);
  for (const line of mountsBelow(g.dir)) await run(['umount', '-l', line.split(' ')[1] ?? '']);
  rmSync(g.dir, { recursive: true, force: true });
  if (failure !== undefined) throw failure;
  assert.deepEqual(left, [], 'nothing is left mounted or running');
}

/**
 * A mount of `g.share` from a server of its own on a socket pair. `program`: qfsd instead of `ninefold serve`; it starts sooner. `through`: a command put in front,
 * which both sides inherit from.
 */
export async function mountShare(
  g: Ground,
  how: { program?: 'qfsd'; share?: string; at?: string; through?: readonly string[] } = {},
): Promise<void> {
  const sandbox = process.env.NINEFOLD_SANDBOX ?? 'none';
  const share = how.share ?? g.share;
  const serve =
    how.program === 'qfsd'
      ? nodeProgram('qfsd', '0', '1', share, '--sandbox', sandbox)
      : nodeProgram('ninefold', 'serve', share, '--stdio', '--sandbox', sandbox);
  const command = nodeProgram('ninefold', 'mount', `exec:${serve.join(' ')}`, how.at ?? g.mnt);
  const r = await run([...(how.through ?? []), ...command], { env: g.env });
  assert.deepEqual([r.code, r.stderr], [0, '']);
}

export async function unmountShare(g: Ground, at = g.mnt): Promise<void> {
  const r = await ninefold(['unmount', at], { env: g.env });
  assert.deepEqual([r.code, r.stderr], [0, '']);
}

/** The process of the mount at `g.mnt` and that of its server. */
export async function sides(g: Ground): Promise<{ mount: number; server: number }> {
  const mount = (await g.list()).find((m) => m.mountpoint === g.mnt)?.pid;
  assert.ok(mount !== undefined, 'the mount is listed');
  const below = descendants(mount).filter((pid) => /serve-worker/.test(commandLine(pid)));
  // In a sandbox, the one that started it may still stand before it.
  const server = below.at(-1);
  assert.ok(server !== undefined, 'the mount has a server');
  return { mount, server };
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** All processes below `pid`, parents before their children. */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'latin1');
      parents.set(Number(name), Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It is gone.
    }
  }
  const found = [pid];
  for (let i = 0; i < found.length; i++)
    for (const [child, parent] of parents) if (parent === found[i]) found.push(child);
  return found.slice(1);
}

/** The most memory that a process has held so far, in MB (VmHWM of proc_pid_status(5)). */
export function peakMB(pid: number): number {
  const kB = /^VmHWM:\s*([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Math.round((Number(kB) * 1024) / 1e6);
}

/** Open descriptors of a process. */
export const openDescriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** The limit of open files of a process, soft and hard. */
export function fileLimit(pid: number): string {
  return /^Max open files +([0-9]+ +[0-9]+)/m
    .exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))?.[1]
    ?.replace(/ +/, ':') as string;
}

/** One of the programs beside this file, which works with the mount so that no test process hangs with it. */
export function helper(name: string, ...args: string[]): string[] {
  return [process.execPath, fileURLToPath(new URL(`./${name}.js`, import.meta.url)), ...args];
}

/** Runs a helper to its end and returns what it printed as JSON. Rejects when it fails or takes longer than `patience` ms. */
export async function ask<R>(
  argv: readonly string[],
  how: { patience?: number; env?: Record<string, string> } = {},
): Promise<R> {
  const r = await run(argv, { patience: 60_000, cwd: '/', ...how });
  assert.equal(r.code, 0, `${argv.slice(1, 3).join(' ')}: ${r.stderr}`);
  return JSON.parse(r.stdout) as R;
}

/** A helper that waits for a line before each of its steps and prints one line of JSON after it. */
export class Stepper {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private words = '';

  constructor(argv: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(argv[0] as string, argv.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: '/',
      env: { ...process.env, ...env },
    });
    this.child.stderr?.on('data', (d: Buffer) => (this.words += d.toString()));
    this.lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]();
  }

  /** Does the next step; rejects when the helper ends instead, or after 60 s. */
  step<R>(what = ''): Promise<R> {
    this.child.stdin?.write(`${what}\n`);
    return this.says();
  }

  /** What it says next without being told to. */
  async says<R>(): Promise<R> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 60_000);
    const line = await this.lines.next();
    clearTimeout(timer);
    if (line.done === true) throw new Error(`the helper ended: ${this.words}`);
    return JSON.parse(line.value) as R;
  }

  /** Ends it. */
  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('close', resolve));
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await gone;
  }
}
