// SPDX-License-Identifier: MIT

import { printable } from '../../base/error.ts';
import { getopt, type LongOption } from './getopt.ts';

export const PROGRAM = 'virtfs-proxy-helper';

/** `auto`: bubblewrap where it works, else chroot. */
export const PROXY_SANDBOXES = ['auto', 'bwrap', 'chroot'] as const;
export type ProxySandbox = (typeof PROXY_SANDBOXES)[number];

/** What the command line asks for. */
export interface ProxySettings {
  readonly path: string;
  /** A connected socket, or where to make one. */
  readonly socket:
    | { readonly fd: number }
    | { readonly path: string; readonly uid: number; readonly gid: number };
  readonly daemon: boolean;
  readonly readOnly: boolean;
  readonly devices: boolean;
  readonly sandbox: ProxySandbox;
}

/** What to say on stderr, line by line, and the exit status. */
export interface Refusal {
  readonly lines: readonly string[];
  readonly status: number;
}

/** The first six are the original's. */
export const PROXY_OPTIONS: readonly LongOption[] = [
  { name: 'path', short: 'p', value: true },
  { name: 'fd', short: 'f', value: true },
  { name: 'socket', short: 's', value: true },
  { name: 'uid', short: 'u', value: true },
  { name: 'gid', short: 'g', value: true },
  { name: 'nodaemon', short: 'n', value: false },
  { name: 'read-only', value: false, yields: true },
  { name: 'no-devices', value: false, yields: true },
  { name: 'sandbox', value: true, yields: true },
];

export const USAGE: readonly string[] = [
  `usage: ${PROGRAM}`,
  ' -p|--path <path> 9p path to export',
  ' {-f|--fd <socket-descriptor>} socket file descriptor to be used',
  ' {-s|--socket <socketname> socket file used for communication',
  ' \t-u|--uid <uid> -g|--gid <gid>} - uid:gid combination to give  access to this socket',
  ' \tNote: -s & -f can not be used together',
  ' [-n|--nodaemon] Run as a normal program',
  ' [--read-only] Refuse everything that would change the path',
  ' [--no-devices] Let the guest make no device nodes',
  ` [--sandbox <${PROXY_SANDBOXES.join('|')}>] How the helper is confined`,
];

/** What `main` returned as -1. */
const NOTHING_GIVEN = 255;
const FAILURE = 1;

/** Reads the command line, with the original's words and statuses; `program` is how it was called. */
export function proxySettings(args: readonly string[], program: string): ProxySettings | Refusal {
  const refuse = (line: string, status = FAILURE): Refusal => ({ lines: [line, ...USAGE], status });
  const parsed = getopt(args, PROXY_OPTIONS);
  if ('complaint' in parsed) return refuse(`${printable(program)}: ${printable(parsed.complaint)}`);
  const { given } = parsed;
  if (given.has('help')) return { lines: USAGE, status: FAILURE };
  const path = given.get('path');
  const socket = given.get('socket');
  const fd = given.get('fd');
  if (path === undefined || (socket === undefined && fd === undefined))
    return refuse('socket, socket descriptor or path not specified', NOTHING_GIVEN);
  if (socket !== undefined && fd !== undefined)
    return refuse('both named socket and socket descriptor specified');
  const uid = given.get('uid');
  const gid = given.get('gid');
  if (socket !== undefined && (uid === undefined || gid === undefined))
    return refuse('owner uid:gid not specified, owner uid:gid specifies who can access the socket file');
  for (const [name, text, most] of [
    ['fd', fd, 0x7fffffff],
    // 2^32 − 1 means "leave as it is" to chown(2) and is nobody's id.
    ['uid', uid, 0xfffffffe],
    ['gid', gid, 0xfffffffe],
  ] as const)
    if (text !== undefined && !isNumber(text, most))
      return refuse(`--${name} "${printable(text)}" is not a number from 0 to ${most}`);
  const sandbox = given.get('sandbox') ?? 'auto';
  if (!(PROXY_SANDBOXES as readonly string[]).includes(sandbox))
    return refuse(`--sandbox "${printable(sandbox)}" is none of ${PROXY_SANDBOXES.join(', ')}`);
  return {
    path,
    socket: socket === undefined ? { fd: Number(fd) } : { path: socket, uid: Number(uid), gid: Number(gid) },
    daemon: !given.has('nodaemon'),
    readOnly: given.has('read-only'),
    devices: !given.has('no-devices'),
    sandbox: sandbox as ProxySandbox,
  };
}

function isNumber(text: string, most: number): boolean {
  return /^[0-9]{1,10}$/.test(text) && Number(text) <= most;
}
