// SPDX-License-Identifier: MIT

import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { EXIT, NinefoldError } from '../../base/error.ts';
import { S_IFDIR, S_IFMT } from '../../base/stat.ts';
import type { Sys } from '../../base/sys.ts';
import {
  type Conflict,
  type Decision,
  namesBeside,
  pathKey,
  type SendEnd,
  type Sender,
  Survey,
} from '../../filecopy/index.ts';
import { escapePath } from '../../qfile/index.ts';
import { choiceOption } from '../values.ts';
import { displayName } from './display.ts';
import { otherNames } from './other-names.ts';
import { amount } from './progress.ts';

export const CONFLICTS = ['refuse', 'skip', 'rename', 'replace', 'ask'] as const;
type Way = (typeof CONFLICTS)[number];

export interface ConflictPolicy {
  readonly way: Way;
  /** What the receiver has whole is not sent again, and of what it has the beginning only the rest. */
  readonly resume: boolean;
}

/** `--conflict=WAY` or `--resume`, added to what was given before. Throws NinefoldError OPTION_VALUE (exit 64). */
export function conflictOption(arg: string, before: ConflictPolicy | undefined): ConflictPolicy {
  const { way, resume } = before ?? { way: 'refuse', resume: false };
  if (arg === '--resume') return { way, resume: true };
  return { way: choiceOption('--conflict', arg.slice('--conflict='.length), CONFLICTS), resume };
}

/** A receiver of another make never answers; ours does at once, but may just be starting. One that is sure to be ours is waited for as for anything else: somebody may type a password first. */
const GREETING_PATIENCE_MS = 5000;

interface Wanted {
  readonly sys: Sys;
  readonly ignoreSymlinks: boolean;
  readonly renameUnsafe: boolean;
  /** The receiver is sure to know the extension: we had it started. */
  readonly answersSurely: boolean;
  readonly warn: (line: string) => void;
  /** Told of bytes that need not be sent. */
  readonly spare: (bytes: number) => void;
}

/**
 * Before anything is sent: asks the receiver which names it has, and decides about each. A SendEnd: the transfer is over. Throws NinefoldError COPY_CONFLICT (exit 66) where
 * nothing may be decided, or the person stops.
 */
export function settle(
  { sys, ignoreSymlinks, renameUnsafe, answersSurely, warn, spare }: Wanted,
  policy: ConflictPolicy,
  sender: Sender,
  args: readonly { parentFd: number; name: Uint8Array }[],
): SendEnd | undefined {
  const [first] = args;
  if (first === undefined) return undefined;
  const greeting = sender.negotiate(first.parentFd, first.name, answersSurely ? 0 : GREETING_PATIENCE_MS);
  if (greeting === undefined) {
    warn(
      'the receiver does not tell which names it has: it refuses those, whatever --conflict and --resume say',
    );
    return undefined;
  }
  if ('kind' in greeting) return greeting;
  if (policy.way === 'replace' && !greeting.replace)
    throw conflictError(
      'replace anything there',
      'the receiver does not allow it',
      'start it with --allow-replace',
    );
  const rename = renameUnsafe ? { rename: escapePath } : {};
  const survey = new Survey(sys, sender, { ignoreSymlinks, ...rename });
  for (const { parentFd, name } of args) {
    const end = survey.argument(parentFd, name);
    if (end !== undefined) return end;
  }
  const decisions = new Map<string, Decision>();
  /** Looked up when the first is renamed. */
  let names: Set<string> | undefined;
  let way: Way = policy.way;
  for (const conflict of survey.conflicts) {
    // Folders of one name may be sent together.
    if (decisions.has(conflict.key)) continue;
    let decision = policy.resume ? resumed(conflict) : undefined;
    if (decision === undefined && conflict.theirs.state === 'taken') {
      let now = way;
      if (way === 'ask' || (policy.way === 'ask' && way === 'replace' && conflict.unlike)) {
        const answer = ask(conflict, greeting.replace && !conflict.unlike);
        now = answer.way;
        if (answer.always) way = answer.way;
      }
      if (now === 'rename') {
        names ??= namesBeside(sys, args, survey.conflicts, rename.rename);
        const found = freeName(conflict, sender, names);
        if ('end' in found) return found.end;
        decision = found.decision;
      } else decision = decide(now, conflict);
    }
    if (decision === undefined) continue;
    decisions.set(conflict.key, decision);
    const folder = isFolder(conflict.mode);
    if (decision.kind === 'skip' && folder)
      warn(
        `left out "${displayName(conflict.name)}" with all that is in it: what the receiver has of that name is no folder`,
      );
    else if (decision.kind === 'skip') spare(conflict.size);
    else if (decision.kind === 'resume') spare(decision.size);
  }
  sender.decide(decisions);
  return undefined;
}

const isFolder = (mode: number): boolean => (mode & S_IFMT) === S_IFDIR;

function resumed({ same, theirs }: Conflict): Decision | undefined {
  if (same) return { kind: 'skip' };
  return theirs.state === 'part' ? { kind: 'resume', size: theirs.size, crc: theirs.crc } : undefined;
}

function decide(way: Exclude<Way, 'rename'>, { name, mode, unlike }: Conflict): Decision {
  if (way === 'replace' && unlike)
    throw conflictError(
      `replace "${displayName(name)}" there`,
      isFolder(mode) ? 'there it is no folder' : 'there it is a folder',
      'use --conflict skip, rename or ask, or remove it there; nothing was sent',
    );
  if (way === 'skip' || way === 'replace') return { kind: way };
  throw conflictError(
    `send "${displayName(name)}"`,
    'the receiver has one of that name',
    `use --conflict skip, rename${unlike ? '' : ', replace'} or ask; nothing was sent`,
  );
}

/** The first of the other names that neither the receiver has nor anything else of this transfer; it is added to `names`. */
function freeName(
  { name, mode }: Conflict,
  sender: Sender,
  names: Set<string>,
): { decision: Decision } | { end: SendEnd } {
  const cut = name.lastIndexOf(0x2f) + 1;
  for (const leaf of otherNames(name.subarray(cut), isFolder(mode))) {
    const other = Buffer.concat([name.subarray(0, cut), leaf]);
    const key = pathKey(other, other.length);
    if (names.has(key)) continue;
    const end = sender.ask(other, mode);
    if (end !== undefined) return { end };
    const answers = sender.answers(1);
    if (!Array.isArray(answers)) return { end: answers };
    if (answers[0]?.state === 'taken') continue;
    names.add(key);
    return { decision: { kind: 'rename', leaf } };
  }
  throw conflictError(
    `find a name for "${displayName(name)}"`,
    'all that were tried are taken there',
    'remove some there; nothing was sent',
  );
}

const KEYS: Readonly<Record<string, Way>> = { s: 'skip', r: 'rename', o: 'replace' };

const kindOf = (mode: number, size: number): string => (isFolder(mode) ? 'a folder' : amount(size));

/** On the terminal, not on standard input, which may be the receiver. A capital letter holds for all that follow. */
function ask(conflict: Conflict, replace: boolean): { way: Way; always: boolean } {
  const { name, mode, size, theirs } = conflict;
  const choices = `s skip, r rename${replace ? ', o overwrite' : ''}, q stop; capital: for all`;
  let fd: number;
  try {
    fd = openSync('/dev/tty', 'r+');
  } catch {
    throw conflictError('ask', 'there is no terminal', 'use --conflict skip, rename or replace');
  }
  try {
    for (;;) {
      writeSync(
        fd,
        `"${displayName(name)}" (${kindOf(mode, size)}) is there already (${kindOf(theirs.mode, theirs.size)}). ${choices}? `,
      );
      const line = Buffer.alloc(256);
      const n = readSync(fd, line, 0, line.length, null);
      const key = line.toString('latin1', 0, n).trim();
      if (n === 0 || key === 'q') throw conflictError('go on', 'you stopped it', 'nothing was sent');
      const way = KEYS[key.toLowerCase()];
      if (way !== undefined && (way !== 'replace' || replace))
        return { way, always: key !== key.toLowerCase() };
    }
  } finally {
    closeSync(fd);
  }
}

function conflictError(what: string, why: string, remedy: string): NinefoldError {
  return new NinefoldError({
    code: 'COPY_CONFLICT',
    exit: EXIT.noInput,
    what: 'cannot',
    on: what,
    why,
    remedy,
  });
}
