// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { cannotMount, run } from '../helpers/cli.ts';
import { holdersOf, loopsOf } from './loop-state.ts';

/** Why there is no loop device for us, or undefined. */
export function noLoop(): string | undefined {
  const why = cannotMount();
  if (why !== undefined) return why;
  try {
    closeSync(openSync('/dev/loop-control', 'r'));
  } catch {
    return 'needs /dev/loop-control';
  }
  return /\bext4\b/.test(readFileSync('/proc/filesystems', 'utf8')) ? undefined : 'needs a kernel with ext4';
}

/** Runs a program to its end, those of the administrator too; rejects with its words when it fails. */
export async function must(...argv: string[]): Promise<string> {
  const r = await run(argv, { env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
  if (r.code !== 0) throw new Error(`${argv.join(' ')}: ${r.code} ${r.stderr.trim()}`);
  return r.stdout;
}

/** How long another mount namespace may keep what was unmounted here. */
const ELSEWHERE_MS = 60_000;

/**
 * EXT4_IOC_SHUTDOWN (fs/ext4/ext4.h) with EXT4_GOING_FLAGS_NOLOGFLUSH: nothing of what is in memory goes to the disk any more, neither data nor
 * journal, as when the power fails. Answers a line for each line.
 */
const CUTTER = `
import fcntl, os, struct, sys
for line in sys.stdin:
    fd = os.open(line.rstrip('\\n'), os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(fd, 0x8004587D, struct.pack('I', 2)); print('cut', flush=True)
    except OSError as e:
        print(e, flush=True)
    os.close(fd)
`;

/** A file system of its own in a file, mounted through a loop device. */
export class LoopFs {
  readonly image: string;
  readonly dir: string;
  private cutter: ChildProcess | undefined;
  private lines: AsyncIterator<string> | undefined;
  mounted = false;

  /** `base`: an existing folder, for the image and the mount point. */
  constructor(base: string) {
    this.image = `${base}/disk`;
    this.dir = `${base}/fs`;
    mkdirSync(this.dir, { recursive: true });
  }

  /** An empty ext4. */
  async make(megabytes: number, features: readonly string[] = []): Promise<void> {
    const fd = openSync(this.image, 'w');
    ftruncateSync(fd, megabytes * 2 ** 20);
    closeSync(fd);
    await must(
      'mke2fs',
      '-t',
      'ext4',
      '-q',
      '-F',
      '-m',
      '0',
      '-E',
      'lazy_itable_init=1',
      ...features,
      this.image,
    );
  }

  async mount(options = 'rw'): Promise<void> {
    await must('mount', '-o', `loop,${options}`, this.image, this.dir);
    this.mounted = true;
  }

  async remount(options: string): Promise<void> {
    await must('mount', '-o', `remount,${options}`, this.dir);
  }

  /** The power fails. */
  async cut(): Promise<void> {
    this.cutter ??= spawn('python3', ['-c', CUTTER], { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
    const { stdin, stdout } = this.cutter;
    if (stdin === null || stdout === null) throw new Error('no pipes');
    this.lines ??= createInterface({ input: stdout })[Symbol.asyncIterator]();
    stdin.write(`${this.dir}\n`);
    const said = (await this.lines.next()).value;
    if (said !== 'cut') throw new Error(`the shutdown ioctl: ${said}`);
  }

  /** Whoever used it may still be ending: tried for 5 s. Resolves when the file system has ended, not only its mount here. */
  async unmount(): Promise<void> {
    if (!this.mounted) return;
    let words = '';
    for (let i = 0; i < 100; i++) {
      const r = await run(['umount', this.dir]);
      if (r.code === 0) {
        this.mounted = false;
        return this.ended();
      }
      words = r.stderr;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the file system stays in use: ${words.trim()}`);
  }

  /**
   * Any process that unshares its mount namespace meanwhile (a sandbox of another test) has a copy of the mount and with it the file system, until it ends or has let go of its old root.
   * mount(8) takes a loop device again that has the same file (loopcxt_find_overlap, util-linux/lib/loopdev.c), and the kernel a file system that is alive: after a
   * cut the one that was shut down, which answers EIO (ext4_forced_shutdown, fs/ext4/file.c).
   */
  private async ended(): Promise<void> {
    for (const end = performance.now() + ELSEWHERE_MS; ; ) {
      const left = loopsOf(this.image);
      if (left.length === 0) return;
      if (performance.now() > end)
        throw new Error(`${this.image} is unmounted here and stays in use by ${holdersOf(left).join(', ')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** e2fsck without mending; throws when it finds anything. The journal must have been replayed by a mount. */
  async check(): Promise<void> {
    await must('e2fsck', '-fn', this.image);
  }

  async end(): Promise<void> {
    if (this.cutter !== undefined) {
      const gone = new Promise((resolve) => this.cutter?.once('close', resolve));
      this.cutter.stdin?.end();
      await gone;
    }
    if (this.mounted) await run(['umount', '-l', this.dir]);
    this.mounted = false;
  }
}
