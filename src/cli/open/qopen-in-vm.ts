// SPDX-License-Identifier: MIT

import { closeSync, constants, openSync } from 'node:fs';
import { SHUT_WR, shutdown } from '../../linux/net.ts';
import { complain } from '../copy/gui.ts';
import { describe, say } from '../report.ts';
import { converse } from './converse.ts';
import { dropReply, makeReply, openOriginal, type Reply, takeReply } from './original.ts';
import { takenWords } from './words.ts';

const PROGRAM = 'qopen-in-vm';
const FAILED = 1;
const USAGE = 2;
const KEEP = '--keep-reply=';

interface Wanted {
  viewOnly: boolean;
  /** A file that our own front end has made: it alone learns whether the service ended well, and so it decides what becomes of the reply. */
  keep: string | undefined;
  file: string | undefined;
}

/** `qopen-in-vm [--view-only] [--] FILE`, with stdin and stdout at a qubes.OpenInVM service. Exit codes are the original's: 0, 1, and 2 for an unknown option. */
export function qopenMain(args: readonly string[]): void {
  const wanted = parse(args);
  if (typeof wanted === 'string') {
    say(`${PROGRAM}: there is no option ${wanted}; use qopen-in-vm [--view-only] FILE`);
    process.exit(USAGE);
  }
  try {
    if (wanted.file === undefined)
      throw new TypeError('no file was named; use qopen-in-vm [--view-only] FILE');
    run(wanted.file, wanted);
    process.exit(0);
  } catch (error) {
    const line = error instanceof TypeError ? error.message : describe(error).line;
    say(`${PROGRAM}: ${line}`);
    complain(process.env, `${PROGRAM}: ${line}`);
    process.exit(FAILED);
  }
}

function parse(args: readonly string[]): Wanted | string {
  const wanted: Wanted = { viewOnly: false, keep: undefined, file: undefined };
  let options = true;
  for (const arg of args) {
    if (!options || !arg.startsWith('-')) wanted.file = arg;
    else if (arg === '--') options = false;
    else if (arg === '--view-only') wanted.viewOnly = true;
    else if (arg.startsWith(KEEP)) wanted.keep = arg.slice(KEEP.length);
    else return arg;
  }
  return wanted;
}

function run(file: string, { viewOnly, keep }: Wanted): void {
  const original = openOriginal(file);
  const reply = viewOnly ? undefined : keep === undefined ? makeReply(original) : keptReply(keep);
  try {
    const bytes = converse({ readFd: 0, writeFd: 1, endOfFile, viewOnly }, original, reply);
    if (reply === undefined || keep !== undefined) return;
    if (bytes === 0) return dropReply(reply);
    const words = takenWords(takeReply(original, reply), file);
    if (words === undefined) return;
    say(`${PROGRAM}: ${words}`);
    complain(process.env, `${PROGRAM}: ${words}`);
  } catch (error) {
    if (reply !== undefined) dropReply(reply);
    throw error;
  }
}

/** A broker gives one socket for both directions: closing one name of it ends nothing. */
function endOfFile(): void {
  shutdown(1, SHUT_WR);
  closeSync(1);
  // The lowest number that is free. koffi looks after its standard output at the end, and complains on stderr where there is none.
  openSync('/dev/null', 'w');
}

function keptReply(path: string): Reply {
  const { O_RDWR, O_NOFOLLOW, O_TRUNC } = constants;
  return { path, fd: openSync(path, O_RDWR | O_NOFOLLOW | O_TRUNC), beside: true };
}
