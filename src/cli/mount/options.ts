// SPDX-License-Identifier: MIT

import { readFileSync } from 'node:fs';
import { EXIT, NinefoldError, printable } from '../../base/error.ts';
import { usageError } from '../report.ts';
import { listOption, numberOption } from '../values.ts';

/** What `-o` and the flags of `ninefold mount` say. Plain data: it travels to the mount process as JSON. */
export interface MountSettings {
  readOnly: boolean;
  nosuid: boolean;
  nodev: boolean;
  noexec: boolean;
  nosymfollow: boolean;
  noatime: boolean;
  allowOther: boolean;
  defaultPermissions: boolean;
  /** Every file is shown as this user's; undefined: as the server says. */
  uid?: number;
  gid?: number;
  /** Asked of the server in Tattach: whose folder view, and which share of several. */
  uname?: string;
  aname: string;
  msize?: number;
}

const DEFAULTS: MountSettings = {
  readOnly: false,
  nosuid: true,
  nodev: true,
  noexec: false,
  nosymfollow: true,
  noatime: false,
  allowOther: false,
  defaultPermissions: true,
  aname: '',
};

type Switch = {
  [K in keyof MountSettings]-?: MountSettings[K] extends boolean ? K : never;
}[keyof MountSettings];

/** Options without a value: what they set, to what, and what they mean. */
const SWITCHES: ReadonlyMap<string, readonly [Switch, boolean, string]> = new Map([
  ['ro', ['readOnly', true, 'nothing can be changed through this mount']],
  ['rw', ['readOnly', false, 'the contrary (default)']],
  ['nosuid', ['nosuid', true, 'set-user-id bits have no effect (default)']],
  ['suid', ['nosuid', false, 'they have; root only']],
  ['nodev', ['nodev', true, 'device nodes cannot be opened (default)']],
  ['dev', ['nodev', false, 'they can; root only']],
  ['noexec', ['noexec', true, 'programs cannot be run from here']],
  ['exec', ['noexec', false, 'they can (default)']],
  [
    'nosymfollow',
    ['nosymfollow', true, 'symbolic links can be read but are not followed (default; root only)'],
  ],
  ['symfollow', ['nosymfollow', false, 'they are followed, wherever the server points them']],
  ['noatime', ['noatime', true, 'reading does not change access times']],
  ['atime', ['noatime', false, 'the contrary (default)']],
  ['allow_other', ['allowOther', true, 'other users may enter too']],
  ['default_permissions', ['defaultPermissions', true, 'the kernel checks modes (default)']],
  ['no_default_permissions', ['defaultPermissions', false, 'only the server checks']],
]);

const VALUES: ReadonlyMap<string, string> = new Map([
  ['uid', 'show every file as this user’s (name or number)'],
  ['gid', 'show every file as this group’s (name or number)'],
  ['uname', 'the user to attach as'],
  ['aname', 'which folder of the server, if it has several'],
  ['msize', 'largest message in bytes'],
]);

/** What fstab(5) and mount(8) add for themselves, and words for what is so anyway. */
const IGNORED =
  /^(?:_netdev|nofail|auto|noauto|user|nouser|users|owner|group|user=.*|defaults|comment=.*|[xX]-.*|async|diratime|relatime|norelatime|nostrictatime|nolazytime|nomand|silent|loud)$/;

/** Is there such an option, whatever its value? */
export function isMountOption(option: string): boolean {
  const [name = ''] = option.split('=');
  return SWITCHES.has(name) || VALUES.has(name) || IGNORED.test(option);
}

/** Every option with its meaning, for `--help` and the manual page's test. */
export const MOUNT_OPTIONS: readonly (readonly [name: string, help: string])[] = [
  ...[...SWITCHES].map(([name, [, , help]]) => [name, help] as const),
  ...[...VALUES].map(([name, help]) => [`${name}=…`, help] as const),
];

/**
 * Reads `-o` lists, later ones beat earlier ones. Throws NinefoldError MOUNT_OPTION (exit 64) for what is unknown or makes no sense, and
 * MOUNT_OPTION_ROOT (77) for what only root may ask.
 */
export function mountSettings(lists: readonly string[], readOnly: boolean, asRoot: boolean): MountSettings {
  // fusermount3 has no word for it, so a user's mount does without.
  const settings: MountSettings = { ...DEFAULTS, nosymfollow: asRoot };
  for (const option of lists.flatMap(listOption)) {
    const equals = option.indexOf('=');
    const name = equals < 0 ? option : option.slice(0, equals);
    const row = SWITCHES.get(name);
    if (row !== undefined && equals < 0) settings[row[0]] = row[1];
    else if (row !== undefined) throw wrong(option, 'it takes no value', `write ${name}`);
    else if (VALUES.has(name)) setValue(settings, name, equals < 0 ? '' : option.slice(equals + 1), option);
    else if (!IGNORED.test(option))
      throw wrong(option, 'there is no such option', `use some of ${nearest()}`);
  }
  if (readOnly) settings.readOnly = true;
  // The server knows one user for all of a mount: with neither the kernel nor the server to tell them apart, everyone would have that user's rights.
  if (settings.allowOther && !settings.defaultPermissions)
    throw wrong(
      'allow_other,no_default_permissions',
      'nobody would check what the others may do',
      'leave one of the two out',
    );
  if (!asRoot && (!settings.nosuid || !settings.nodev))
    throw rootOnly(
      settings.nosuid ? 'dev' : 'suid',
      'only root may: it would let a server hand out root’s rights',
    );
  if (!asRoot && settings.nosymfollow) throw rootOnly('nosymfollow', 'fusermount3 cannot set it for a user');
  return settings;
}

function rootOnly(option: string, why: string): NinefoldError {
  return new NinefoldError({
    code: 'MOUNT_OPTION_ROOT',
    exit: EXIT.noPermission,
    what: 'cannot mount with',
    on: `-o ${option}`,
    why,
    remedy: 'leave it out, or mount as root',
  });
}

function setValue(settings: MountSettings, name: string, value: string, option: string): void {
  if (value === '') throw wrong(option, 'its value is missing', `write ${name}=…`);
  switch (name) {
    case 'uid':
      settings.uid = id(option, value, '/etc/passwd');
      break;
    case 'gid':
      settings.gid = id(option, value, '/etc/group');
      break;
    case 'msize':
      settings.msize = numberOption('-o msize', value, 4096, 1024 * 1024 + 24);
      break;
    case 'uname':
    case 'aname':
      if (value.includes('\0') || Buffer.byteLength(value) > 1024)
        throw wrong(option, 'it is too long for a name', 'use at most 1024 bytes');
      settings[name] = value;
  }
}

function id(option: string, value: string, table: string): number {
  if (/^[0-9]{1,10}$/.test(value) && Number(value) < 0xffff_ffff) return Number(value);
  const line = lookUp(table, value);
  if (line === undefined)
    throw wrong(option, `${table} has no such name`, 'use a name that exists, or a number');
  return line;
}

/** The number in the third field of passwd(5) and group(5). */
function lookUp(table: string, name: string): number | undefined {
  let text = '';
  try {
    text = readFileSync(table, 'utf8');
  } catch {
    return undefined;
  }
  for (const line of text.split('\n')) {
    const [n, , number] = line.split(':');
    if (n === name && number !== undefined && /^[0-9]+$/.test(number)) return Number(number);
  }
  return undefined;
}

const nearest = (): string => [...SWITCHES.keys(), ...[...VALUES.keys()].map((v) => `${v}=…`)].join(', ');

function wrong(option: string, why: string, remedy: string): NinefoldError {
  return usageError('MOUNT_OPTION', 'cannot mount with', `-o ${printable(option)}`, why, remedy);
}
