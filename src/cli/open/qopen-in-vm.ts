// SPDX-License-Identifier: MIT

import { closeSync, constants, openSync } from 'node:fs';
import { SHUT_WR, shutdown } from '../../linux/net.ts';
import { complain } from '../copy/gui.ts';
import { agentPaths, type PathArgument, pathOfHex, rawPaths } from '../copy/raw-paths.ts';
import { describe, say } from '../report.ts';
import { converse } from './converse.ts';
import { openError } from './errors.ts';
import { dropReply, makeReply, type Original, openOriginal, type Reply, takeReply } from './original.ts';
import { textOf } from './paths.ts';
import { endBySignals } from './signals.ts';
import { takenWords } from './words.ts';

const PROGRAM = 'qopen-in-vm';
const FAILED = 1;
const USAGE = 2;
/** Of our own front ends alone; their values are bytes in hexadecimal digits, which any argument can hold. */
const KEEP = '--keep-reply=';
const NAME = '--name=';

interface Wanted {
  viewOnly: boolean;
  /** A file that our own front end has made: it alone learns whether the service ended well, and so it decides what becomes of the reply. */
  keep: Buffer | undefined;
  /** What the file is called there. */
  name: Buffer | undefined;
  file: PathArgument | undefined;
}

/** `qopen-in-vm [--view-only] [--] FILE`, with stdin and stdout at a qubes.OpenInVM service. Exit codes are the original's: 0, 1, and 2 for an unknown option. */
export function qopenMain(args: readonly string[]): void {
  const wanted = parse(args);
  if (typeof wanted === 'string') {
    say(`${PROGRAM}: there is no option ${wanted}; use qopen-in-vm [--view-only] FILE`);
    process.exit(USAGE);
  }
  run(wanted).then(
    () => process.exit(0),
    (error: unknown) => {
      const { line } = describe(error);
      say(`${PROGRAM}: ${line}`);
      complain(process.env, `${PROGRAM}: ${line}`);
      process.exit(FAILED);
    },
  );
}

function parse(args: readonly string[]): Wanted | string {
  const wanted: Wanted = { viewOnly: false, keep: undefined, name: undefined, file: undefined };
  let options = true;
  for (const arg of args) {
    if (!options || !arg.startsWith('-')) wanted.file = rawPaths([arg])[0];
    else if (arg === '--') options = false;
    else if (arg === '--view-only') wanted.viewOnly = true;
    else if (arg.startsWith(KEEP)) wanted.keep = Buffer.from(arg.slice(KEEP.length), 'hex');
    else if (arg.startsWith(NAME)) wanted.name = Buffer.from(arg.slice(NAME.length), 'hex');
    else {
      const path = pathOfHex(arg);
      if (path === undefined) return arg;
      wanted.file = path;
    }
  }
  return wanted;
}

/** How a front end of ours starts this program. `keep`: where the reply goes; undefined: nothing is wanted back. */
export function qopenArguments(original: Original, keep: Buffer | undefined): string[] {
  return [
    keep === undefined ? '--view-only' : `${KEEP}${keep.toString('hex')}`,
    `${NAME}${original.name.toString('hex')}`,
    ...agentPaths([original.path]),
  ];
}

async function run({ viewOnly, keep, name, file }: Wanted): Promise<void> {
  if (file === undefined)
    throw openError(
      'OPEN_FILE',
      'cannot open',
      'a file',
      'none was named',
      'use qopen-in-vm [--view-only] FILE',
    );
  const original = openOriginal(file, name);
  let reply: Reply | undefined;
  /** What takeReply has made of it is not ours to remove. */
  let kept = false;
  const drop = (): void => {
    if (reply !== undefined && !kept) dropReply(reply);
  };
  // Before there is anything to drop.
  endBySignals(drop);
  try {
    if (!viewOnly) reply = keep === undefined ? makeReply(original) : keptReply(keep);
    const bytes = await converse({ readFd: 0, writeFd: 1, endOfFile, viewOnly }, original, reply);
    if (reply === undefined) return;
    kept = keep !== undefined || bytes > 0;
    if (keep !== undefined || bytes === 0) return;
    const words = takenWords(takeReply(original, reply), textOf(file));
    if (words === undefined) return;
    say(`${PROGRAM}: ${words}`);
    complain(process.env, `${PROGRAM}: ${words}`);
  } finally {
    drop();
  }
}

/** A broker gives one socket for both directions: closing one name of it ends nothing. */
function endOfFile(): void {
  shutdown(1, SHUT_WR);
  closeSync(1);
  // The lowest number that is free. koffi looks after its standard output at the end, and complains on stderr where there is none.
  openSync('/dev/null', 'w');
}

function keptReply(path: Buffer): Reply {
  const { O_RDWR, O_NOFOLLOW, O_TRUNC } = constants;
  return { path, fd: openSync(path, O_RDWR | O_NOFOLLOW | O_TRUNC), beside: true };
}
