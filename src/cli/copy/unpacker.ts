// SPDX-License-Identifier: MIT

import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import { becomeUser } from '../../linux/process.ts';
import { describe, say, usageError } from '../report.ts';
import { SANDBOXES } from '../serve/options.ts';
import { openUserFiles, userTable } from '../serve/users.ts';
import { lettersApart } from '../short-options.ts';
import { choiceOption, numberOption } from '../values.ts';
import { type Account, accountOf, openIncoming } from './incoming.ts';
import { becomeReceiver } from './receive.ts';
import { RECEIVE_DEFAULTS, type ReceiveSettings } from './receive-config.ts';

const PROGRAM = 'qfile-unpacker';
const FAILED = 1;
const WAIT_MAX = 2 ** 31 - 1;

export interface UnpackerWanted {
  readonly settings: ReceiveSettings;
  /** undefined: the caller's. */
  readonly uid: number | undefined;
  readonly dir: string | undefined;
}

/**
 * `qfile-unpacker`: receives files on stdin, answers on stdout. Exit status: the low byte of the result, 1 for what was wrong before it began. Both command lines of
 * the original are understood.
 */
export function unpackerMain(args: readonly string[]): void {
  run(args).catch((error: unknown) => {
    say(`${PROGRAM}: ${describe(error).line}`);
    process.exit(FAILED);
  });
}

async function run(args: readonly string[]): Promise<void> {
  const { settings, uid, dir } = parseUnpacker(args, process.env);
  const own = process.getuid?.() ?? 0;
  const account = accountOf(uid ?? own);
  if (account.uid !== own) {
    if (own !== 0)
      throw usageError(
        'USAGE',
        'cannot receive as',
        `user id ${account.uid}`,
        'only root may choose another user',
        'leave it out',
      );
    become(account);
  }
  process.env.HOME = account.home;
  process.env.USER = account.name;
  const rootFd = openIncoming(account.home, dir, process.env.QREXEC_REMOTE_DOMAIN);
  await becomeReceiver({ program: PROGRAM, readFd: 0, writeFd: 1, settings }, rootFd);
}

/** All threads of this process are the account's from here on, with its groups. */
function become({ uid, gid }: Account): void {
  const files = openUserFiles({});
  const r = becomeUser(uid, gid, userTable(files)({ uid })?.groups ?? []);
  if (r < 0)
    throw new NinefoldError({
      code: 'INCOMING_FAILED',
      exit: EXIT.noPermission,
      what: 'cannot receive as',
      on: `user id ${uid}`,
      why: because(r),
      remedy: 'start it as root, or as that user',
    });
}

/** Exported for its test. Throws NinefoldError USAGE or OPTION_VALUE (64). */
export function parseUnpacker(args: readonly string[], env: NodeJS.ProcessEnv): UnpackerWanted {
  const settings = { ...RECEIVE_DEFAULTS, ...fromEnvironment(env) };
  const legacy = args.length >= 2 && /^[0-9]/.test(args[0] ?? '');
  return legacy ? parseLegacy(args, settings) : parseModern(args, settings);
}

/** `UID DIR [-v] [-w [N]]` */
function parseLegacy(args: readonly string[], settings: ReceiveSettings): UnpackerWanted {
  const [uid = '', dir, ...options] = args;
  const rest = options.flatMap((word) => lettersApart(word, 'w'));
  for (let i = 0; i < rest.length; i++) {
    if (rest[i] === '-v') settings.verbose = true;
    else if (rest[i] === '-w') {
      const next = rest[i + 1];
      settings.keepFree = 1;
      if (next !== undefined && /^[0-9]/.test(next)) {
        settings.keepFree = numberOption('-w', next, 0, WAIT_MAX);
        i++;
      }
    } else throw wrongOption(rest[i] ?? '');
  }
  return { settings, uid: uidOf(uid), dir };
}

function parseModern(given: readonly string[], settings: ReceiveSettings): UnpackerWanted {
  const plain: string[] = [];
  const args = [...given];
  for (let i = 0; i < args.length; i++) {
    args.splice(i, 1, ...lettersApart(args[i] ?? '', 'w'));
    const arg = args[i] ?? '';
    const value = /^--wait-for-space=(.*)$/.exec(arg)?.[1];
    if (arg === '--') {
      plain.push(...args.slice(i + 1));
      break;
    }
    if (arg === '--allow-all-names' || arg === '--no-allow-all-names')
      settings.allowAllNames = !arg.startsWith('--no');
    else if (arg === '--allow-unsafe-symlinks' || arg === '--no-allow-unsafe-symlinks')
      settings.allowUnsafeSymlinks = !arg.startsWith('--no');
    else if (arg === '-v' || arg === '--verbose') settings.verbose = true;
    else if (arg === '-w' || arg === '--wait-for-space')
      settings.keepFree = numberOption(arg, args[++i] ?? '', 0, WAIT_MAX);
    else if (value !== undefined) settings.keepFree = numberOption('--wait-for-space', value, 0, WAIT_MAX);
    else if (arg.startsWith('-') && arg !== '-') throw wrongOption(arg);
    else plain.push(arg);
  }
  const [uid, dir, ...more] = plain;
  if (more.length > 0)
    throw usageError(
      'USAGE',
      'cannot receive with',
      `${plain.length} arguments`,
      'it takes a user id and a folder',
      'see qfile-unpacker(1)',
    );
  return { settings, uid: uid === undefined || uid === '' ? undefined : uidOf(uid), dir };
}

function uidOf(text: string): number {
  return numberOption('the user id', text, 0, 0xffff_fffe);
}

/** NINEFOLD_SANDBOX and the limits: a service's script is the place to set them. */
function fromEnvironment(env: NodeJS.ProcessEnv): Partial<ReceiveSettings> {
  const number = (name: string, key: keyof ReceiveSettings): Partial<ReceiveSettings> => {
    const text = env[name];
    return text === undefined || text === ''
      ? {}
      : { [key]: numberOption(name, text, 0, Number.MAX_SAFE_INTEGER) };
  };
  const sandbox = env.NINEFOLD_SANDBOX;
  return {
    ...number('NINEFOLD_MAX_BYTES', 'maxBytes'),
    ...number('NINEFOLD_MAX_FILES', 'maxFiles'),
    ...number('NINEFOLD_SPACE_PATIENCE', 'spacePatience'),
    ...number('NINEFOLD_IDLE_TIMEOUT', 'idleTimeout'),
    ...(env.NINEFOLD_CONFLICTS === '1' ? { conflicts: true } : {}),
    ...(env.NINEFOLD_ALLOW_REPLACE === '1' ? { conflicts: true, allowReplace: true } : {}),
    ...(sandbox === undefined || sandbox === ''
      ? {}
      : { sandbox: choiceOption('NINEFOLD_SANDBOX', sandbox, SANDBOXES) }),
  };
}

function wrongOption(option: string): NinefoldError {
  return new NinefoldError({
    code: 'USAGE',
    exit: EXIT.usage,
    what: 'cannot understand the option',
    on: printable(option),
    why: 'there is none of that name',
    remedy: 'see qfile-unpacker(1)',
  });
}
