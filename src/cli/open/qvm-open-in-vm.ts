// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { EXIT, printable } from '../../base/error.ts';
import { callService } from '../copy/call.ts';
import { type PathArgument, rawPaths } from '../copy/raw-paths.ts';
import { print } from '../print.ts';
import { describe, say } from '../report.ts';
import { openError } from './errors.ts';
import { dropReply, makeReply, openOriginal, type Reply, takeReply } from './original.ts';
import { bytesOf } from './paths.ts';
import { qopenArguments } from './qopen-in-vm.ts';
import { endBySignals } from './signals.ts';
import { takenWords } from './words.ts';

const FAILED = 1;
const USAGE = 2;
const URL_FORM = /^[A-Za-z][A-Za-z0-9+]*:\/\//;

/** `qvm-open-in-vm [--view-only] [--] QUBE FILE-or-URL`; as `qvm-open-in-dvm` without QUBE, for a new disposable. */
export function qvmOpenMain(argv: readonly string[]): void {
  const name = basename(argv[1] ?? '').replace(/\.cjs$/, '');
  const disposable = name === 'qvm-open-in-dvm';
  const program = disposable ? name : 'qvm-open-in-vm';
  const wanted = parse(argv.slice(2), disposable);
  if (wanted === 'help' || wanted === undefined) {
    if (wanted === 'help') print(usage(program, disposable));
    else process.stderr.write(usage(program, disposable));
    process.exit(wanted === 'help' ? 0 : USAGE);
  }
  run(program, wanted).then(
    (status) => {
      if (status === undefined) process.stderr.write(usage(program, disposable));
      process.exit(status ?? USAGE);
    },
    (error: unknown) => {
      say(`${program}: ${describe(error).line}`);
      process.exit(FAILED);
    },
  );
}

interface Wanted {
  target: string;
  what: string;
  viewOnly: boolean;
}

/** undefined: what is to be opened is neither a file nor the address of anything. */
async function run(program: string, { target, what, viewOnly }: Wanted): Promise<number | undefined> {
  if (!canBeOpened(what)) return undefined;
  return askLoop(target) ? openThere(program, target, what, viewOnly) : FAILED;
}

/** Throws NinefoldError OPEN_FILE (exit 66) for what cannot be looked at. */
function canBeOpened(what: string): boolean {
  try {
    const found = statSync(bytesOf(rawPath(what)), { throwIfNoEntry: false });
    return found === undefined ? URL_FORM.test(what) : found.isFile();
  } catch (error) {
    // An address may be longer than any path.
    if (URL_FORM.test(what)) return true;
    throw openError('OPEN_FILE', 'cannot open', what, error, 'name a file that you may read');
  }
}

const rawPath = (text: string): PathArgument => rawPaths([text])[0] ?? text;

function parse(args: readonly string[], disposable: boolean): Wanted | 'help' | undefined {
  const plain: string[] = [];
  let viewOnly = false;
  let options = true;
  for (const arg of args) {
    if (!options || !arg.startsWith('-')) plain.push(arg);
    else if (arg === '--') options = false;
    else if (arg === '--view-only') viewOnly = true;
    else if (arg === '--help' || arg === '-h') return 'help';
    else return undefined;
  }
  const [target, what, ...more] = disposable ? ['@dispvm', ...plain] : plain;
  if (target === undefined || target === '' || what === undefined || more.length > 0) return undefined;
  return { target, what, viewOnly };
}

/**
 * Has a file or URL opened by another machine. A reply takes the file's place only if the whole call ended well: a reply that was torn off looks like a short one.
 * Resolves with an exit status. Throws NinefoldError OPEN_*, SERVICE_CLIENT.
 */
export async function openThere(
  program: string,
  target: string,
  what: string,
  viewOnly: boolean,
): Promise<number> {
  if (URL_FORM.test(what))
    return callService({
      target,
      service: 'qubes.OpenURL',
      program: '',
      args: [],
      env: {},
      input: `${what}\n`,
      quiet: true,
    });
  const original = openOriginal(rawPath(what));
  let reply: Reply | undefined;
  /** What takeReply has made of it is not ours to remove. */
  let kept = false;
  const drop = (): void => {
    if (reply !== undefined && !kept) dropReply(reply);
  };
  // Before there is anything to drop. Ctrl-C is for the call, which ends by it.
  endBySignals(drop, 'SIGINT');
  try {
    if (!viewOnly) reply = makeReply(original);
    const status = await callService({
      target,
      service: 'qubes.OpenInVM',
      program: 'qopen-in-vm',
      args: qopenArguments(original, reply?.path),
      env: {},
    });
    if (status !== 0) {
      if (status !== 126)
        say(
          `${program}: the call ended with status ${status}: ${printable(what)} is as it was${reply === undefined ? '' : ', and changes made there are lost'}`,
        );
      return status;
    }
    if (reply === undefined) return EXIT.ok;
    const { nlink, size } = fstatSync(reply.fd);
    // The service does not know whether all of it was taken in here; qopen-in-vm removes what was not.
    if (nlink === 0)
      throw openError(
        'OPEN_LOST',
        'cannot use what came back for',
        what,
        'it was not taken in whole',
        'the file is as it was; look at the messages above',
        EXIT.unavailable,
      );
    if (size === 0) return EXIT.ok;
    kept = true;
    const words = takenWords(takeReply(original, reply), what);
    if (words !== undefined) say(`${program}: ${words}`);
    return EXIT.ok;
  } finally {
    drop();
    closeSync(original.fd);
  }
}

/** The viewer inside a disposable may itself be "open in a disposable", for ever: the person is asked. */
function askLoop(target: string): boolean {
  if (!target.startsWith('@dispvm')) return true;
  if (!/^qubes\.Open(InVM|URL)\+/.test(process.env.QREXEC_SERVICE_FULL_NAME ?? '')) return true;
  const text = 'This is a disposable that was started to open something. Open it in another disposable?';
  for (const [box, args] of [
    ['zenity', ['--question', '--no-markup', '--text', text]],
    ['kdialog', ['--yesno', text]],
  ] as const) {
    const asked = spawnSync(box, args, { stdio: 'ignore' });
    if (asked.error === undefined) return asked.status === 0;
  }
  throw openError(
    'OPEN_SERVICE',
    'will not open',
    'a disposable from a disposable',
    'there is nothing to ask with',
    'install zenity or kdialog',
    EXIT.osMissing,
  );
}

function usage(program: string, disposable: boolean): string {
  return `Usage: ${program} [--view-only] [--] ${disposable ? '' : 'QUBE '}FILE-or-URL

Opens a file or URL in ${disposable ? 'a new disposable qube' : 'another qube'}. An edited file takes the place of yours when it is complete; if yours was changed
meanwhile, both are kept.

  --view-only   changes are not wanted back
  -h, --help    show this

Exit status: 0 well, 2 wrong command line, 126 refused, else something failed.
`;
}
