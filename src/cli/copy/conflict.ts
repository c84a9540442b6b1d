// SPDX-License-Identifier: MIT

import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { EXIT, NinefoldError } from '../../base/error.ts';
import type { Sys } from '../../base/sys.ts';
import { type Conflict, type Decision, type SendEnd, type Sender, Survey } from '../../filecopy/index.ts';
import { escapePath } from '../../qfile/index.ts';
import { choiceOption } from '../values.ts';
import { displayName } from './display.ts';
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
/** `name (2)` to `name (99)`. */
const TRIES = 99;

interface Wanted {
  readonly sys: Sys;
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
  { sys, renameUnsafe, answersSurely, warn, spare }: Wanted,
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
  const survey = new Survey(sys, sender, renameUnsafe ? escapePath : undefined);
  for (const { parentFd, name } of args) {
    const end = survey.argument(parentFd, name);
    if (end !== undefined) return end;
  }
  const decisions = new Map<string, Decision>();
  let way: Way = policy.way;
  for (const conflict of survey.conflicts) {
    let decision = policy.resume ? resumed(conflict) : undefined;
    if (decision === undefined && conflict.theirs.state === 'taken') {
      let now = way;
      if (way === 'ask') {
        const answer = ask(conflict, greeting.replace);
        now = answer.way;
        if (answer.always) way = answer.way;
      }
      const made = decide(now, conflict, sender);
      if ('end' in made) return made.end;
      decision = made.decision;
    }
    if (decision === undefined) continue;
    decisions.set(conflict.key, decision);
    if (decision.kind === 'skip') spare(conflict.size);
    else if (decision.kind === 'resume') spare(decision.size);
  }
  sender.decide(decisions);
  return undefined;
}

function resumed({ same, theirs }: Conflict): Decision | undefined {
  if (same) return { kind: 'skip' };
  return theirs.state === 'part' ? { kind: 'resume', size: theirs.size, crc: theirs.crc } : undefined;
}

function decide(way: Way, conflict: Conflict, sender: Sender): { decision: Decision } | { end: SendEnd } {
  switch (way) {
    case 'skip':
    case 'replace':
      return { decision: { kind: way } };
    case 'rename':
      return freeName(conflict, sender);
    default:
      throw conflictError(
        `send "${displayName(conflict.name)}"`,
        'the receiver has one of that name',
        'use --conflict skip, rename, replace or ask; nothing was sent',
      );
  }
}

/** `report (2).odt`: the first of these that the receiver has not. */
function freeName({ name, mode }: Conflict, sender: Sender): { decision: Decision } | { end: SendEnd } {
  const cut = name.lastIndexOf(0x2f) + 1;
  const leaf = Buffer.from(name.subarray(cut)).toString('latin1');
  const dot = leaf.lastIndexOf('.');
  const [stem, suffix] = dot > 0 ? [leaf.slice(0, dot), leaf.slice(dot)] : [leaf, ''];
  for (let i = 2; i <= TRIES; i++) {
    const other = Buffer.from(`${stem} (${i})${suffix}`, 'latin1');
    const end = sender.ask(Buffer.concat([name.subarray(0, cut), other]), mode);
    if (end !== undefined) return { end };
    const answers = sender.answers(1);
    if (!Array.isArray(answers)) return { end: answers };
    if (answers[0]?.state !== 'taken') return { decision: { kind: 'rename', leaf: other } };
  }
  throw conflictError(
    `find a name for "${displayName(name)}"`,
    'all that were tried are taken there',
    'remove some there',
  );
}

const KEYS: Readonly<Record<string, Way>> = { s: 'skip', r: 'rename', o: 'replace' };

/** On the terminal, not on standard input, which may be the receiver. A capital letter holds for all that follow. */
function ask(conflict: Conflict, replace: boolean): { way: Way; always: boolean } {
  const { name, size, theirs } = conflict;
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
        `"${displayName(name)}" (${amount(size)}) is there already (${amount(theirs.size)}). ${choices}? `,
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
