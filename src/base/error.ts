// SPDX-License-Identifier: MIT

import { errnoName, errnoWords } from './errno.ts';

/**
 * Exit codes of every program, as docs/EXIT-CODES.md lists them. 0, 8 and 64 are the original qfsd's; the rest follow sysexits(3),
 * so that scripts can tell "you typed it wrong" from "the other side is gone".
 */
export const EXIT = {
  ok: 0,
  /** The other machine has no such folder. As the original qvm-mount-folder says it, and so do `denied`, `invalid` and `policyRefused`. */
  folderMissing: 2,
  /** The server failed after it had begun. */
  server: 8,
  /** A person, or a rule, said no to a folder. */
  denied: 13,
  /** Everything that this machine asks of that one is blocked. */
  blocked: 14,
  /** The machine that decides cannot understand the request. */
  invalid: 22,
  usage: 64,
  /** The peer does not speak 9P2000.L, or spoke it wrongly. */
  protocol: 65,
  /** A folder, file or mount point is missing or of the wrong kind. */
  noInput: 66,
  /** The other side cannot be reached, or went away. */
  unavailable: 69,
  /** Our own fault. */
  internal: 70,
  /** The system lacks something: /dev/fuse, fusermount3, bubblewrap. The message names the package. */
  osMissing: 71,
  /** Standard output cannot be written: a full disk. */
  outputFailed: 74,
  /** Refused by permission: not ours, not allowed. */
  noPermission: 77,
  /** A descriptor, option or environment variable that makes no sense. */
  config: 78,
  /** Nobody answered the question in time. */
  timedOut: 124,
  /** The other machine does not run, or could not be started (qrexec's 125). */
  machineDown: 125,
  /** The connection was refused by the policy or by the other machine. */
  policyRefused: 126,
  /** The other machine does not have ninefold or the original (qrexec's 127). */
  notInstalled: 127,
  /** Ended by SIGINT / SIGTERM after cleaning up: 128 + signal. */
  interrupted: 130,
  /** Nobody reads standard output any more: 128 + SIGPIPE. */
  outputClosed: 141,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * A failure at the edge of the program, in the four parts that every message has: what failed, on what, why, what to do.
 * `code` is stable (scripts and tests match it); the words may change.
 */
export class NinefoldError extends Error {
  readonly code: string;
  readonly exit: ExitCode;
  readonly what: string;
  readonly on: string;
  readonly why: string;
  readonly remedy: string;

  constructor(parts: {
    code: string;
    exit: ExitCode;
    what: string;
    on: string;
    why: string;
    remedy: string;
    cause?: unknown;
  }) {
    super(`${parts.what} ${parts.on}: ${parts.why}; ${parts.remedy}`, { cause: parts.cause });
    this.name = 'NinefoldError';
    this.code = parts.code;
    this.exit = parts.exit;
    this.what = parts.what;
    this.on = parts.on;
    this.why = parts.why;
    this.remedy = parts.remedy;
  }
}

/** "why" for a failed system call: `no such file or folder (ENOENT)`. Takes -errno or errno. */
export function because(errno: number): string {
  return `${errnoWords(errno)} (${errnoName(errno)})`;
}

/**
 * A string from the other side or from a file name, fit for one line of a terminal or a log: control, format (bidirectional, zero-width)
 * and line-separating characters are shown as escapes.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => {
    const n = c.codePointAt(0) ?? 0;
    return n < 0x100 ? `\\x${n.toString(16).padStart(2, '0')}` : `\\u${n.toString(16).padStart(4, '0')}`;
  });
}
