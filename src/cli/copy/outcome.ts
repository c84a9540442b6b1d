// SPDX-License-Identifier: MIT

import {
  EDQUOT,
  EEXIST,
  EILSEQ,
  EINVAL,
  ENAMETOOLONG,
  ENOLINK,
  ENOSPC,
  EREMOTEIO,
} from '../../base/errno.ts';
import { because, EXIT, type ExitCode, NinefoldError } from '../../base/error.ts';
import type { SendEnd } from '../../filecopy/index.ts';
import { LEGAL_EOF } from '../../qfile/index.ts';
import { displayName } from './display.ts';

/** Why a receiver refuses, and what to do: the errors that have a meaning of their own here. */
const REFUSALS: ReadonlyMap<number, readonly [why: string, remedy: string]> = new Map([
  [
    EEXIST,
    [
      'there is one of that name in the incoming folder',
      'rename or remove one of the two, or use --conflict',
    ],
  ],
  [
    EINVAL,
    ['the receiver takes no such thing, or what it got made no sense', 'send regular files and folders'],
  ],
  [
    EILSEQ,
    [
      'its name or target has a character or form that could look like another',
      'rename it, or send it with --rename-unsafe',
    ],
  ],
  [
    ENOLINK,
    ['the link would lead out of the folder that it came with', 'leave links out with --ignore-symlinks'],
  ],
  [ENAMETOOLONG, ['the name is too long', 'shorten it']],
  [
    EDQUOT,
    ['it is more than the receiver wants, or than its quota allows', 'send less, or raise the limit there'],
  ],
  [ENOSPC, ['the disk of the receiver is full', 'make room there and send again']],
  [EREMOTEIO, ['the stream ended before its end', 'send again']],
  [LEGAL_EOF, ['the stream ended in the middle of it', 'send again']],
]);

/** What a person should know who has stopped a copy or a move. */
export const AFTER_STOP =
  'files that had arrived whole stay there, nothing was removed here that had not arrived; --resume goes on where the receiver allows it';

/** The error for a transfer that was not confirmed. `others`: how many files the receiver has whole, as far as is known. */
export function transferError(end: Exclude<SendEnd, { kind: 'confirmed' }>): NinefoldError {
  const make = (
    code: string,
    exit: ExitCode,
    what: string,
    on: string,
    why: string,
    remedy: string,
  ): NinefoldError => new NinefoldError({ code, exit, what, on, why, remedy });
  switch (end.kind) {
    case 'refused': {
      const name = end.lastName === undefined ? '' : displayName(end.lastName);
      const [why, remedy] = REFUSALS.get(end.error) ?? [because(end.error), 'look at the receiving side'];
      const on = name === '' ? 'an item' : `"${name}"`;
      return make('COPY_REFUSED', EXIT.noPermission, 'the receiver refused', on, why, remedy);
    }
    case 'mismatch':
      return make(
        'COPY_MISMATCH',
        EXIT.protocol,
        'cannot trust',
        'the transfer',
        'the checksum of what arrived is another than of what was sent',
        'remove what arrived and send again',
      );
    case 'closed':
      return make(
        'COPY_CLOSED',
        EXIT.unavailable,
        'lost',
        'the receiver',
        'it closed before it said how the transfer went',
        'look at its messages and send again',
      );
    case 'unreadable':
      return make(
        'COPY_UNREADABLE',
        EXIT.noInput,
        'cannot read',
        `"${displayName(end.path)}"`,
        because(end.errno),
        'mend that or leave it out, and send again',
      );
    case 'shrank':
      return make(
        'COPY_SHRANK',
        EXIT.noInput,
        'cannot finish',
        `"${displayName(end.path)}"`,
        'it got shorter while it was being read',
        'wait until nobody writes it, and send again',
      );
    case 'late':
      return make(
        'COPY_LATE',
        EXIT.unavailable,
        'cannot go on with',
        'the transfer',
        'the receiver was ready too late to be asked which names it has; it has taken nothing',
        'send again',
      );
    case 'cancelled':
      return make(
        'COPY_CANCELLED',
        EXIT.interrupted,
        'stopped',
        'the transfer',
        'it was cancelled',
        AFTER_STOP,
      );
    case 'broken':
      return make(
        'COPY_BROKEN',
        EXIT.unavailable,
        'lost',
        'the receiver',
        because(end.errno),
        'check the connection and send again',
      );
  }
}
