// SPDX-License-Identifier: MIT

import { MAX_MSIZE, MIN_MSIZE } from '../../p9/constants.ts';
import { OPERATIONS } from '../../p9/messages.ts';
import { DEFAULT_LIMITS, DEFAULT_OPTIONS, type Limits, type ServerOptions } from '../../p9-server/options.ts';
import { deniedOperations } from '../operations.ts';
import { booleanOption, choiceOption, idsOption, numberOption } from '../values.ts';

export const SANDBOXES = ['auto', 'bwrap', 'landlock', 'none'] as const;
export type SandboxChoice = (typeof SANDBOXES)[number];
export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What one share is allowed and how it is confined. Plain data: it travels to the data plane as JSON. */
export interface ServeSettings {
  readOnly: boolean;
  noSymlinks: boolean;
  noSetuid: boolean;
  devices: boolean;
  acl: boolean;
  /** Operation names. */
  deny: string[];
  /** Folders inside that a rule denies, as paths below the root. No option: what a broker says. */
  except?: readonly string[];
  squash?: { uid: number; gid: number };
  keepFree: number;
  /** What the client knows the folder by; no flag. */
  aname?: string;
  limits: Limits;
  sandbox: SandboxChoice;
  logLevel: LogLevel;
  logFormat: LogFormat;
  stats: boolean;
}

/** One option, on the command line and in the environment alike. `value` undefined: a switch. */
export interface OptionRow {
  readonly flag: string;
  readonly value?: string;
  readonly help: string;
}

/**
 * The options that `ninefold serve` and `qfsd` share. Each is also an environment variable: `--max-fids` is NINEFOLD_MAX_FIDS.
 * A flag beats the environment.
 */
export const SERVE_OPTIONS: readonly OptionRow[] = [
  { flag: 'read-only', help: 'refuse everything that would change the folder' },
  { flag: 'no-symlinks', help: 'show no symbolic links and make none' },
  { flag: 'no-setuid', help: 'drop set-user-id and set-group-id bits from every mode' },
  { flag: 'devices', help: 'let clients make device nodes (works as root only)' },
  { flag: 'acl', help: 'serve POSIX ACLs beside user.* attributes' },
  { flag: 'deny', value: 'OPS', help: 'operations to refuse, by name, with commas: lcreate,unlinkat,…' },
  { flag: 'allow', value: 'OPS', help: 'refuse all operations but these' },
  { flag: 'squash', value: 'UID:GID', help: 'do everything as this user (works as root only)' },
  { flag: 'keep-free', value: 'BYTES', help: 'refuse what takes space when less would stay free (K, M, G)' },
  { flag: 'sandbox', value: 'KIND', help: `how the server is confined: ${SANDBOXES.join(', ')}` },
  { flag: 'msize', value: 'BYTES', help: `largest message, at most ${MAX_MSIZE} (K, M)` },
  { flag: 'max-fids', value: 'N', help: `objects that one client may hold (${DEFAULT_LIMITS.fids})` },
  { flag: 'max-fds', value: 'N', help: `descriptors used for one client (${DEFAULT_LIMITS.descriptors})` },
  {
    flag: 'max-xattr-fids',
    value: 'N',
    help: `attributes that one client may hold open (${DEFAULT_LIMITS.xattrFids})`,
  },
  {
    flag: 'max-inflight',
    value: 'N',
    help: `requests of one client that may wait for a disk (${DEFAULT_LIMITS.inflight})`,
  },
  {
    flag: 'max-watches',
    value: 'N',
    help: `folders whose changes one client is told of (${DEFAULT_LIMITS.watches})`,
  },
  { flag: 'log-level', value: 'LEVEL', help: LOG_LEVELS.join(', ') },
  { flag: 'log-format', value: 'FORMAT', help: LOG_FORMATS.join(', ') },
  { flag: 'stats', help: 'print counters as one JSON line on stderr at the end and on SIGUSR1' },
];

/** What was given for each flag: a string, or true for a switch. */
export type RawOptions = Readonly<Record<string, string | boolean | undefined>>;

/** Throws NinefoldError OPTION_VALUE, OPERATION_UNKNOWN or OPERATION_NEEDED (exit 64). `raw` is keyed by flag without the dashes. */
export function serveSettings(raw: RawOptions, env: NodeJS.ProcessEnv): ServeSettings {
  const given = (flag: string): { name: string; text: string } | undefined => {
    const value = raw[flag];
    if (typeof value === 'string') return { name: `--${flag}`, text: value };
    const name = envName(flag);
    const text = env[name];
    return text === undefined || text === '' ? undefined : { name, text };
  };
  const on = (flag: string): boolean => {
    if (raw[flag] === true) return true;
    const value = given(flag);
    return value !== undefined && booleanOption(value.name, value.text);
  };
  const number = (flag: string, fallback: number, min: number, max: number): number => {
    const value = given(flag);
    return value === undefined ? fallback : numberOption(value.name, value.text, min, max);
  };
  const choice = <const T extends string>(flag: string, fallback: T, choices: readonly T[]): T => {
    const value = given(flag);
    return value === undefined ? fallback : choiceOption(value.name, value.text, choices);
  };
  const squash = given('squash');
  return {
    readOnly: on('read-only'),
    noSymlinks: on('no-symlinks'),
    noSetuid: on('no-setuid'),
    devices: on('devices'),
    acl: on('acl'),
    deny: [...deniedOperations(given('deny')?.text, given('allow')?.text)],
    ...(squash === undefined ? {} : { squash: idsOption(squash.name, squash.text) }),
    keepFree: number('keep-free', 0, 0, Number.MAX_SAFE_INTEGER),
    limits: {
      ...DEFAULT_LIMITS,
      msize: number('msize', DEFAULT_LIMITS.msize, MIN_MSIZE, MAX_MSIZE),
      fids: number('max-fids', DEFAULT_LIMITS.fids, 16, 16_000_000),
      descriptors: number('max-fds', DEFAULT_LIMITS.descriptors, 32, 1_000_000),
      xattrFids: number('max-xattr-fids', DEFAULT_LIMITS.xattrFids, 1, 65_536),
      watches: number('max-watches', DEFAULT_LIMITS.watches, 0, 1_000_000),
      inflight: number('max-inflight', DEFAULT_LIMITS.inflight, 1, 65_535),
    },
    sandbox: choice('sandbox', 'auto', SANDBOXES),
    logLevel: choice('log-level', 'warn', LOG_LEVELS),
    logFormat: choice('log-format', 'text', LOG_FORMATS),
    stats: on('stats'),
  };
}

export const envName = (flag: string): string => `NINEFOLD_${flag.toUpperCase().replaceAll('-', '_')}`;

/** The engine's options. `log` and `lookupUser` are the caller's. */
export function serverOptions(
  settings: ServeSettings,
  edges: Pick<ServerOptions, 'log' | 'lookupUser'>,
): ServerOptions {
  const { squash } = settings;
  return {
    ...DEFAULT_OPTIONS,
    ...edges,
    readOnly: settings.readOnly,
    noSymlinks: settings.noSymlinks,
    noSetuid: settings.noSetuid,
    devices: settings.devices,
    acl: settings.acl,
    deny: new Set(settings.deny.flatMap((name) => OPERATIONS.get(name) ?? [])),
    squash: squash === undefined ? undefined : { ...squash, groups: [] },
    keepFree: settings.keepFree,
    ...(settings.except === undefined ? {} : { except: settings.except }),
    ...(settings.aname === undefined ? {} : { aname: settings.aname }),
    limits: settings.limits,
  };
}
