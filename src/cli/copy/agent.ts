// SPDX-License-Identifier: MIT

import { EXIT, type ExitCode } from '../../base/error.ts';
import { O_NONBLOCK } from '../../base/sys.ts';
import { setNonblocking, setPipeSize, statusFlags } from '../../linux/descriptors.ts';
import { openSys } from '../../linux/index.ts';
import { getOpenFileLimit, setOpenFileLimit } from '../../linux/process.ts';
import { describe, say } from '../report.ts';
import { type ConflictPolicy, conflictOption } from './conflict.ts';
import { complain } from './gui.ts';
import { type PathArgument, pathOfHex, rawPaths } from './raw-paths.ts';
import { watcherOf } from './report-progress.ts';
import { sendPaths } from './transfer.ts';

const PROGRAM = 'qfile-agent';
/** The original's: anything that went wrong, and "the person closed the progress window". */
const FAILED = 1;
const CANCELLED = 32;

/**
 * `qfile-agent [--ignore-symlinks] [--] PATH…`: sends files on stdout and reads the result from stdin. Started by qrexec-client-vm. Options beyond the original's,
 * for our own front ends: `--rename-unsafe`, `--move`, `--summary`, `--conflict=WAY`, `--resume`, `--path-hex=HEX` for a path that is no UTF-8.
 */
export function agentMain(args: readonly string[]): void {
  let exit: number = FAILED;
  try {
    exit = run(args) === EXIT.interrupted ? CANCELLED : EXIT.ok;
  } catch (error) {
    const { line, exit: code } = describe(error);
    say(`${PROGRAM}: ${line}`);
    complain(process.env, `${PROGRAM}: ${line}`);
    if (code === EXIT.interrupted) exit = CANCELLED;
  }
  process.exit(exit);
}

interface Wanted {
  ignoreSymlinks: boolean;
  renameUnsafe: boolean;
  move: boolean;
  summary: boolean;
  conflict: ConflictPolicy | undefined;
  paths: PathArgument[];
}

function parse(args: readonly string[]): Wanted {
  const wanted: Wanted = {
    ignoreSymlinks: false,
    renameUnsafe: false,
    move: false,
    summary: false,
    conflict: undefined,
    paths: [],
  };
  let options = true;
  for (const arg of args) {
    if (!options) wanted.paths.push(arg);
    else if (arg === '--') options = false;
    else if (arg === '--ignore-symlinks') wanted.ignoreSymlinks = true;
    else if (arg === '--rename-unsafe') wanted.renameUnsafe = true;
    else if (arg === '--move') wanted.move = true;
    else if (arg === '--summary') wanted.summary = true;
    else if (arg.startsWith('--conflict=') || arg === '--resume')
      wanted.conflict = conflictOption(arg, wanted.conflict);
    else wanted.paths.push(pathOfHex(arg) ?? arg);
  }
  // The original's own scripts name paths as they are, whatever bytes those have.
  wanted.paths = rawPaths(wanted.paths);
  // Nothing named is nothing sent, and that is confirmed, too: so the original. Our front ends complain before they call it.
  return wanted;
}

function run(args: readonly string[]): ExitCode {
  const wanted = parse(args);
  raiseDescriptorLimit();
  const restore = [unblock(0), unblock(1)];
  // Refused on anything but a pipe, and harmless there.
  setPipeSize(1, PIPE);
  try {
    return sendPaths({
      sys: openSys(),
      readFd: 0,
      writeFd: 1,
      paths: wanted.paths,
      ignoreSymlinks: wanted.ignoreSymlinks,
      renameUnsafe: wanted.renameUnsafe,
      move: wanted.move,
      ...(wanted.conflict === undefined ? {} : { conflict: wanted.conflict }),
      idleMs: 0,
      watcher: watcherOf(process.env, wanted.summary),
      say: wanted.summary ? (line) => say(line) : () => {},
      warn: (line) => say(`${PROGRAM}: ${line}`),
    });
  } finally {
    for (const undo of restore) undo();
  }
}

/** The largest that an ordinary user may ask for. */
const PIPE = 1 << 20;

/** Makes a descriptor non-blocking, so that the receiver is heard while it does not read. The returned function undoes it: others may share it. */
export function unblock(fd: number): () => void {
  const flags = statusFlags(fd);
  if (flags < 0 || (flags & O_NONBLOCK) !== 0) return () => {};
  setNonblocking(fd, true);
  return () => setNonblocking(fd, false);
}

/** One for each level of a tree, down to 8,192. */
export function raiseDescriptorLimit(): void {
  const limit = getOpenFileLimit();
  if (typeof limit !== 'number') setOpenFileLimit(limit.hard, limit.hard);
}
