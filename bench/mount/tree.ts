// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { random } from '../common/stats.ts';

const EXTENSIONS = ['.c', '.h', '.ts', '.json', '.md', '.txt', '.py', '.go'];
/** Before any commit or index, so that git never takes a file for racily clean and reads it again. */
const LONG_AGO = new Date('2024-01-02T03:04:05Z');
const BIG_MIB = 512;

export interface TreeSize {
  readonly files: number;
  readonly folders: number;
  readonly bigMiB: number;
  readonly smallFiles: number;
}

export const FULL: TreeSize = { files: 15_000, folders: 1200, bigMiB: BIG_MIB, smallFiles: 300 };
export const QUICK: TreeSize = { files: 1000, folders: 80, bigMiB: 64, smallFiles: 100 };

/**
 * Fills the empty folder `served` with `tree/` (a git repository, sizes spread as in source code: median 3.5 KB, mean 8 KB, none over
 * 1 MiB), `big` and an empty `out/`, and the empty folder `small` with files to copy in. The same bytes every time. About 15 s in full.
 */
export function fillMounted(served: string, small: string, size: TreeSize): void {
  const next = random(2);
  const pool = textPool(next);
  const tree = join(served, 'tree');
  mkdirSync(join(served, 'out'));
  const folders = makeFolders(tree, size.folders, next);
  const files: string[] = [];
  for (let i = 0; i < size.files; i++) {
    const folder = folders[Math.floor(next() * folders.length)] as string;
    const path = join(folder, `${word(next)}-${i}${EXTENSIONS[i % EXTENSIONS.length]}`);
    writeFile(path, pool, sourceSize(next), i, next);
    utimesSync(path, LONG_AGO, LONG_AGO);
    files.push(path);
  }
  commit(tree, files);
  saveIndex(served);
  writeBig(join(served, 'big'), size.bigMiB, next);
  for (let i = 0; i < size.smallFiles; i++) {
    const folder = join(small, `d${i % 10}`);
    mkdirSync(folder, { recursive: true });
    writeFile(join(folder, `f${i}`), pool, 200 + Math.floor(next() * 4000), i, next);
  }
}

/** Puts git's index back as it was after the commit: `git status` through another file system may have rewritten it. */
export function restoreIndex(served: string): void {
  copyFileSync(join(served, 'index'), join(served, 'tree/.git/index'));
}

function saveIndex(served: string): void {
  copyFileSync(join(served, 'tree/.git/index'), join(served, 'index'));
}

/** Bytes of a source file: a logarithmic normal distribution, median 3.5 KB, σ 1.3. */
export function sourceSize(next: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Math.min(2 ** 20, Math.round(3500 * Math.exp(1.3 * normal)));
}

function makeFolders(tree: string, count: number, next: () => number): string[] {
  const folders = [{ path: tree, depth: 0 }];
  while (folders.length < count) {
    const parent = folders[Math.floor(next() * folders.length)] as { path: string; depth: number };
    if (parent.depth >= 7) continue;
    folders.push({ path: join(parent.path, `${word(next)}${folders.length}`), depth: parent.depth + 1 });
  }
  for (const f of folders) mkdirSync(f.path, { recursive: true });
  return folders.map((f) => f.path);
}

function word(next: () => number): string {
  let s = '';
  for (let n = 2 + Math.floor(next() * 3); n > 0; n--) {
    s += 'bcdfghklmnprstvw'[Math.floor(next() * 16)] ?? '';
    s += 'aeiou'[Math.floor(next() * 5)] ?? '';
  }
  return s;
}

/** 4 MiB of lines that look and compress like code. */
function textPool(next: () => number): Buffer {
  const words = Array.from({ length: 4000 }, () => word(next));
  const parts: string[] = [];
  for (let bytes = 0; bytes < 4 * 2 ** 20; ) {
    let line = ' '.repeat(2 * Math.floor(next() * 5));
    for (let n = 1 + Math.floor(next() * 8); n > 0; n--)
      line += `${words[Math.floor(next() * 4000)]}${' .(,;'[Math.floor(next() * 5)]}`;
    parts.push(line);
    bytes += line.length + 1;
  }
  return Buffer.from(parts.join('\n'), 'latin1');
}

function writeFile(path: string, pool: Buffer, size: number, i: number, next: () => number): void {
  // The first line makes every file another, as in a real repository: git stores equal ones once.
  const first = Buffer.from(`/* file ${i} */\n`, 'latin1');
  const from = Math.floor(next() * (pool.length - size));
  writeFileSync(path, Buffer.concat([first, pool.subarray(from, from + size)]));
}

function writeBig(path: string, mib: number, next: () => number): void {
  const block = new Uint8Array(2 ** 20);
  for (let i = 0; i < block.length; i++) block[i] = next() * 256;
  const fd = openSync(path, 'wx');
  for (let i = 0; i < mib; i++) writeSync(fd, block);
  closeSync(fd);
}

/**
 * One commit of everything, in one pack as a clone has it. By fast-import: `git add` would make a loose object of each file and `git repack`
 * remove them, and ext4 is slow to make files while it remembers thousands that were removed a moment ago (recently_deleted in its ialloc.c).
 */
function commit(tree: string, files: readonly string[]): void {
  git(tree, ['init', '-q', '-b', 'main']);
  const stream = [
    Buffer.from(
      `commit refs/heads/main\ncommitter Bench <bench@example.org> 1704164645 +0000\ndata 6\nA tree\n`,
    ),
  ];
  for (const path of files) {
    const data = readFileSync(path);
    stream.push(
      Buffer.from(`M 100644 inline ${relative(tree, path)}\ndata ${data.length}\n`),
      data,
      Buffer.from('\n'),
    );
  }
  git(tree, ['-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet', '--depth=0'], Buffer.concat(stream));
  git(tree, ['read-tree', 'HEAD']);
  git(tree, ['update-index', '--refresh', '-q']);
}

/** What every command of the benchmark gets: no configuration of the machine or user. */
export const GIT_ENV: NodeJS.ProcessEnv = {
  ...process.env,
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
};
/** Whoever owns the files according to a mount: git must not refuse them. gc would work in the background while others are measured. */
export const GIT_FLAGS: readonly string[] = [
  '-c',
  'safe.directory=*',
  '-c',
  'gc.auto=0',
  '-c',
  'core.fsync=none',
];

function git(tree: string, args: readonly string[], input?: Buffer): void {
  const r = spawnSync('git', [...GIT_FLAGS, '-C', tree, ...args], { env: GIT_ENV, ...(input && { input }) });
  if (r.status !== 0)
    throw new Error(
      `git ${args.join(' ')}: ${r.error?.message ?? String(r.stderr).trim()} (Debian package git)`,
    );
}
