// SPDX-License-Identifier: MIT
// writer: for each line of JSON on stdin ({dir, seed, steps}) does steps below `dir`, each followed by fsync(2) of all that it changed, until one
// fails or `steps` are done. Prints a line of JSON before each step, one after it, and one at the end.

import {
  closeSync,
  constants,
  fchmodSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { bytesOf, type FileState, type Segment, type Step, Steps, temporary } from './journal.ts';

const say = (what: unknown): void => {
  const line = Buffer.from(`${JSON.stringify(what)}\n`);
  // A pipe that is full takes a part.
  for (let at = 0; at < line.length; ) at += writeSync(1, line, at);
};

function withFile(path: string, flags: string | number, work: (fd: number) => void): void {
  const fd = openSync(path, flags, 0o644);
  try {
    work(fd);
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, data: Buffer, position: number | null): void {
  for (let at = 0; at < data.length; )
    at += writeSync(fd, data, at, data.length - at, position === null ? null : position + at);
}

const sync = (folder: string): void => withFile(folder, 'r', fsyncSync);

function write(path: string, flags: string | number, segment: Segment): void {
  withFile(path, flags, (fd) => {
    writeAll(fd, bytesOf([segment]), null);
    if (typeof flags === 'string') fsyncSync(fd);
  });
}

const APPEND_SYNC = constants.O_WRONLY | constants.O_APPEND | constants.O_DSYNC;

/** One step and its fsyncs. `before`: the file's state, for offsets. */
function perform(dir: string, step: Step, before: FileState | undefined): void {
  const path = join(dir, step.name);
  switch (step.op) {
    case 'create':
      write(path, 'wx', step.seg);
      return sync(dirname(path));
    case 'append':
      return write(path, 'a', step.seg);
    case 'appendSync':
      return write(path, APPEND_SYNC, step.seg);
    case 'replace': {
      const fresh = temporary(path);
      write(fresh, 'wx', step.seg);
      renameSync(fresh, path);
      return sync(dirname(path));
    }
    case 'inplace': {
      const at = bytesOf(before?.segments.slice(0, step.index) ?? []).length;
      return withFile(path, 'r+', (fd) => {
        writeAll(fd, bytesOf([step.seg]), at);
        fdatasyncSync(fd);
      });
    }
    case 'truncate':
      return withFile(path, 'r+', (fd) => {
        ftruncateSync(fd, bytesOf(before?.segments.slice(0, step.keep) ?? []).length);
        fsyncSync(fd);
      });
    case 'rename':
    case 'link': {
      const to = join(dir, step.to);
      if (step.op === 'rename') renameSync(path, to);
      else linkSync(path, to);
      sync(dirname(to));
      if (dirname(path) !== dirname(to)) sync(dirname(path));
      return;
    }
    case 'symlink':
      symlinkSync(step.target, path);
      return sync(dirname(path));
    case 'chmod':
      return withFile(path, 'r', (fd) => {
        fchmodSync(fd, step.mode);
        fsyncSync(fd);
      });
    case 'mkdir':
      mkdirSync(path);
      return sync(dirname(path));
    case 'unlink':
      unlinkSync(path);
      return sync(dirname(path));
    case 'rmdir':
      rmdirSync(path);
      sync(dirname(path));
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { dir, seed, steps } = JSON.parse(line) as { dir: string; seed: number; steps: number };
  const plan = new Steps(seed);
  let code = 'done';
  for (let i = 0; i < steps; i++) {
    const known = new Map(
      [...plan.state].map(([n, e]) => [n, e.kind === 'file' ? { ...e, segments: [...e.segments] } : e]),
    );
    const step = plan.next();
    say({ begin: step });
    try {
      perform(dir, step, known.get(step.name) as FileState | undefined);
    } catch (error) {
      const failed = error as NodeJS.ErrnoException;
      // libuv has no name for some (EDQUOT).
      code = (failed.code === 'UNKNOWN' ? `errno ${-(failed.errno ?? 0)}` : failed.code) ?? String(error);
      break;
    }
    say({ done: true });
  }
  say({ end: code });
}
