// SPDX-License-Identifier: MIT

import { EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';

/** A folder of another machine, as a person names it. */
export interface Wanted {
  readonly machine: string;
  readonly folder: string;
}

interface Words {
  readonly code: string;
  readonly exit: ExitCode;
  readonly why: string;
  readonly remedy: string;
}

/** Each way in which a folder is not to be had: its code, exit code and sentence. */
const REFUSALS = {
  denied: {
    code: 'GRANT_DENIED',
    exit: EXIT.denied,
    why: 'the request was denied',
    remedy: 'ask the person in charge to allow it',
  },
  blocked: {
    code: 'GRANT_BLOCKED',
    exit: EXIT.blocked,
    why: 'everything that this machine asks of that one is blocked',
    remedy: 'have the block lifted (ninefold policy revoke)',
  },
  timeout: {
    code: 'GRANT_TIMEOUT',
    exit: EXIT.timedOut,
    why: 'nobody answered the question in time',
    remedy: 'try again when somebody is there to answer',
  },
  busy: {
    code: 'GRANT_BUSY',
    exit: EXIT.unavailable,
    why: 'another question of this machine is open, or was refused just now',
    remedy: 'wait a little and try again',
  },
  failed: {
    code: 'GRANT_FAILED',
    exit: EXIT.unavailable,
    why: 'the machine that decides could not ask anybody',
    remedy: 'look at "ninefold policy log" there',
  },
  invalid: {
    code: 'GRANT_INVALID',
    exit: EXIT.invalid,
    why: 'the machine that decides does not understand the request',
    remedy: 'check the names: the machine, and the path in its plainest form',
  },
  missing: {
    code: 'GRANT_NO_FOLDER',
    exit: EXIT.folderMissing,
    why: 'there is no such folder, or it is reached by a symbolic link',
    remedy: 'check the path on the other machine (realpath tells it)',
  },
  unreadable: {
    code: 'GRANT_UNREADABLE',
    exit: EXIT.noPermission,
    why: 'the other machine may not read it itself',
    remedy: 'check its owner and mode there',
  },
  replaced: {
    code: 'GRANT_REPLACED',
    exit: EXIT.denied,
    why: 'another folder has taken the place of the one that was granted, and the grant is void now',
    remedy: 'ask again',
  },
  policy: {
    code: 'GRANT_POLICY',
    exit: EXIT.policyRefused,
    why: 'the connection was refused, by the policy or by the other machine',
    remedy: 'if the grant is for reading only, the other machine may be too old for that',
  },
  notInstalled: {
    code: 'GRANT_NOT_INSTALLED',
    exit: EXIT.notInstalled,
    why: 'the other machine has no service for shared folders',
    remedy: 'install ninefold there',
  },
  down: {
    code: 'GRANT_MACHINE_DOWN',
    exit: EXIT.machineDown,
    why: 'the other machine does not run and could not be started, or is not reached',
    remedy: 'start it and try again',
  },
  silent: {
    code: 'GRANT_SILENT',
    exit: EXIT.timedOut,
    why: 'the other machine gave no answer in time',
    remedy: 'check that it runs and is not overloaded',
  },
  unknown: {
    code: 'GRANT_UNKNOWN',
    exit: EXIT.unavailable,
    why: 'the call ended in a way that nobody knows',
    remedy: 'look at the logs of the other machine',
  },
} as const satisfies Record<string, Words>;

export type RefusalName = keyof typeof REFUSALS;

export function refusal(wanted: Wanted, name: RefusalName, detail = ''): NinefoldError {
  const { code, exit, why, remedy } = REFUSALS[name];
  return new NinefoldError({
    code,
    exit,
    what: 'cannot have the folder',
    on: printable(`${wanted.machine}:${wanted.folder}`),
    why: detail === '' ? why : `${why} (${printable(detail)})`,
    remedy,
  });
}

/** What `ruddo.AuthorizeFolderAccess` meant by its status; the word, where the other side is ours, is more exact. */
export function authorizeRefusal(status: number, word: string | undefined): RefusalName {
  if (status === 13) {
    if (word === 'blocked' || word === 'timeout' || word === 'busy' || word === 'failed') return word;
    return 'denied';
  }
  if (status === 22) return 'invalid';
  return qrexecRefusal(status);
}

/** What `ruddo.ConnectToFolder` meant by its status. */
export function connectRefusal(status: number): RefusalName {
  if (status === 2) return 'missing';
  if (status === 13) return 'unreadable';
  if (status === 116) return 'replaced';
  return qrexecRefusal(status);
}

function qrexecRefusal(status: number): RefusalName {
  if (status === 125) return 'down';
  if (status === 126) return 'policy';
  if (status === 127) return 'notInstalled';
  return 'unknown';
}
