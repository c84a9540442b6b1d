// SPDX-License-Identifier: MIT

import { EXIT, type ExitCode, NinefoldError } from '../../base/error.ts';
import type { Sys } from '../../base/sys.ts';
import { Journal, removeSent, type SendEnd, Sender } from '../../filecopy/index.ts';
import { escapePath } from '../../qfile/index.ts';
import { openArguments } from './arguments.ts';
import { type ConflictPolicy, settle } from './conflict.ts';
import { displayName } from './display.ts';
import { transferError } from './outcome.ts';
import { amount, counted, duration } from './progress.ts';
import type { PathArgument } from './raw-paths.ts';
import type { Watcher } from './report-progress.ts';

export interface Transfer {
  readonly sys: Sys;
  readonly readFd: number;
  readonly writeFd: number;
  readonly paths: readonly PathArgument[];
  readonly ignoreSymlinks: boolean;
  readonly renameUnsafe: boolean;
  /** Removes what was sent, after the receiver has confirmed it. */
  readonly move: boolean;
  readonly idleMs: number;
  readonly watcher: Watcher;
  /** What to do about names that the receiver has; undefined: it refuses them, and the transfer ends. */
  readonly conflict?: ConflictPolicy;
  /** With `conflict`: the receiver was started so that it answers about names. */
  readonly answersSurely?: boolean;
  /** Gets the summary. */
  readonly say: (line: string) => void;
  /** Gets what did not go as it was asked for. */
  readonly warn: (line: string) => void;
}

/** One whole transfer. Throws NinefoldError COPY_* for what was not confirmed; nothing is removed then. COPY_KEPT: all was confirmed, and something could not be removed. */
export function sendPaths(transfer: Transfer): ExitCode {
  const { sys, watcher } = transfer;
  const args = openArguments(sys, transfer.paths);
  const journal = transfer.move ? new Journal(sys) : undefined;
  const left = { special: 0, link: 0, vanished: 0, taken: 0 };
  const begin = performance.now();
  let argument = 0;
  const sender = new Sender({
    ...transfer,
    ...(transfer.renameUnsafe ? { rename: escapePath } : {}),
    progress: (bytes) => watcher.bytes(bytes),
    tick: () => watcher.tick(),
    ...(journal === undefined ? {} : { sent: (walk) => journal.add(argument, walk) }),
    skipped: (walk, why) => {
      left[why]++;
      if (why === 'vanished')
        transfer.warn(`left out "${displayName(walk.path.subarray(0, walk.length))}": it is gone`);
    },
  });
  // For whoever closed the window at once nothing is sent, not even a question.
  let end: SendEnd | undefined = watcher.bytes(0) ? undefined : { kind: 'cancelled' };
  if (end === undefined && transfer.conflict !== undefined)
    end = settle(
      {
        ...transfer,
        answersSurely: transfer.answersSurely === true,
        spare: (bytes) => watcher.spare(bytes),
      },
      transfer.conflict,
      sender,
      args,
    );
  if (end === undefined)
    for (const { parentFd, name } of args) {
      end = sender.send(parentFd, name);
      if (end !== undefined) break;
      argument++;
    }
  end ??= sender.finish();
  watcher.done();
  if (end.kind !== 'confirmed') {
    journal?.close();
    throw transferError(end);
  }
  const seconds = (performance.now() - begin) / 1000;
  transfer.say(
    `${transfer.move ? 'moved' : 'copied'} ${counted(sender.files, 'file')}, ${counted(sender.folders, 'folder')}, ${counted(sender.links, 'link')}: ${amount(sender.bytes)} in ${duration(seconds)} (${amount(sender.bytes / Math.max(seconds, 0.001))}/s)`,
  );
  if (left.special > 0)
    transfer.say(`left out ${counted(left.special, 'device, pipe or socket', 'devices, pipes or sockets')}`);
  if (left.taken > 0)
    transfer.say(`left out ${counted(left.taken, 'file or link', 'files or links')} that the receiver has`);
  if (left.link > 0) transfer.say(`left out ${counted(left.link, 'link')}, as asked for`);
  return journal === undefined ? EXIT.ok : removeMoved(transfer, journal, args);
}

function removeMoved(
  { sys, warn }: Transfer,
  journal: Journal,
  args: readonly { parentFd: number }[],
): ExitCode {
  const { failed } = removeSent(
    sys,
    journal,
    args.map((a) => a.parentFd),
    (path, why) => warn(`kept "${displayName(path)}" here: ${why}`),
  );
  journal.close();
  if (failed === 0) return EXIT.ok;
  throw new NinefoldError({
    code: 'COPY_KEPT',
    exit: EXIT.noPermission,
    what: 'could not remove',
    on: `${failed} of what was moved`,
    why: 'the lines above say why, and all of it is at the receiver',
    remedy: 'remove them here yourself',
  });
}
