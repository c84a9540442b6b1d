// SPDX-License-Identifier: MIT

import { type Listen, parseListen } from '../../transport/listen.ts';
import { takeListenFds } from '../../transport/listen-fds.ts';
import { parseFdPair } from '../../transport/source.ts';
import { usageError } from '../report.ts';
import { modeOption, numberOption } from '../values.ts';

/** Where the clients of `ninefold serve` come from. */
export type ServeMode =
  /** One client on two descriptors: this process becomes the server. */
  | { kind: 'pair'; readFd: number; writeFd: number }
  /** Many clients: this process supervises. */
  | {
      kind: 'listen';
      listens: Exclude<Listen, { kind: 'systemd' }>[];
      systemdFds: number[];
      socketMode: number;
      maxConnections: number;
    };

export interface ServeFlags {
  stdio?: boolean;
  fds?: string;
  listen?: string[];
  socketMode?: string;
  maxConnections?: string;
  allowAnyTcp?: boolean;
}

/**
 * Throws NinefoldError SERVE_MODE, OPTION_VALUE, LISTEN_SYNTAX, LISTEN_NOT_LOOPBACK (exit 64) or LISTEN_FDS (78). With none of the three flags the
 * sockets of systemd are taken, if there are any.
 */
export function serveMode(flags: ServeFlags, env: NodeJS.ProcessEnv, pid: number): ServeMode {
  const socketMode = modeOption('--socket-mode', flags.socketMode ?? '0600');
  const maxConnections = numberOption('--max-connections', flags.maxConnections ?? '64', 1, 10_000);
  const listens = (flags.listen ?? []).map((text) =>
    parseListen(text, { anyTcp: flags.allowAnyTcp === true }),
  );
  const given = [flags.stdio === true, flags.fds !== undefined, listens.length > 0].filter(Boolean).length;
  if (given > 1)
    throw usageError(
      'SERVE_MODE',
      'cannot serve with',
      '--stdio, --fds and --listen together',
      'a server has one kind of client',
      'choose one of them',
    );
  if (flags.stdio === true) return { kind: 'pair', readFd: 0, writeFd: 1 };
  if (flags.fds !== undefined) {
    const pair = parseFdPair(flags.fds);
    if (pair.ok) return { kind: 'pair', ...pair.value };
    throw usageError(
      'OPTION_VALUE',
      'cannot use',
      `--fds "${flags.fds}"`,
      pair.why,
      'write it as in --fds 3,4',
    );
  }
  const wantsSystemd = listens.length === 0 || listens.some((l) => l.kind === 'systemd');
  const systemdFds = wantsSystemd ? takeListenFds(env, pid) : [];
  const own = listens.filter((l) => l.kind !== 'systemd');
  if (own.length === 0 && systemdFds.length === 0)
    throw usageError(
      'SERVE_MODE',
      'cannot serve without',
      'a place where clients come in',
      listens.length > 0 ? 'systemd handed over no socket' : 'none was given',
      'add --stdio, --fds R,W or --listen unix:PATH',
    );
  return { kind: 'listen', listens: own, systemdFds, socketMode, maxConnections };
}
