// SPDX-License-Identifier: MIT

import { basename } from 'node:path';
import { EXIT, printable } from '../../base/error.ts';
import { openSys } from '../../linux/index.ts';
import { print } from '../print.ts';
import { describe, say } from '../report.ts';
import { version } from '../version.ts';
import { raiseDescriptorLimit } from './agent.ts';
import { callService, INTERRUPTED_WORDS, isBrokered } from './call.ts';
import { type Preflight, preflight } from './preflight.ts';
import { agentPaths, rawPaths } from './raw-paths.ts';

/** What tree check and usage errors end with, as in the original. */
const FAILED = 1;
const UNSAFE = 2;
const LEAVE_OUT = 'leave links out with --ignore-symlinks, and shorten long names';

const FRONTS = {
  'qvm-copy': { move: false, target: false },
  'qvm-move': { move: true, target: false },
  'qvm-copy-to-vm': { move: false, target: true },
  'qvm-move-to-vm': { move: true, target: true },
} as const;
type Front = keyof typeof FRONTS;

export interface CopyWanted {
  progress: boolean;
  ignoreSymlinks: boolean;
  dryRun: boolean;
  renameUnsafe: boolean;
  /** `--conflict=WAY`, `--resume`: handed on. */
  more: string[];
  /** undefined: whom the person chooses when asked. */
  target: string | undefined;
  paths: string[];
}

/** `qvm-copy`, `qvm-move`, `qvm-copy-to-vm`, `qvm-move-to-vm`: which one it is, is the name by which the program was started. */
export function qvmCopyMain(argv: readonly string[]): void {
  const name = basename(argv[1] ?? '').replace(/\.cjs$/, '');
  const front: Front = name in FRONTS ? (name as Front) : 'qvm-copy';
  run(front, argv.slice(2)).then(
    (status) => process.exit(status),
    (error: unknown) => {
      say(`${front}: ${describe(error).line}`);
      process.exit(FAILED);
    },
  );
}

async function run(front: Front, args: readonly string[]): Promise<number> {
  const wanted = parseCopy(args, FRONTS[front].target);
  if (wanted === 'help') {
    print(usage(front));
    return 0;
  }
  if (wanted === 'version') {
    print(`${version()}\n`);
    return 0;
  }
  if ('wrong' in wanted) {
    say(`${front}: ${wanted.wrong}; see ${front} --help`);
    return FAILED;
  }
  raiseDescriptorLimit();
  const paths = rawPaths(wanted.paths);
  const found = preflight(openSys(), paths, wanted);
  for (const line of found.lines) say(`${front}: ${line}`);
  if (wanted.dryRun) return dryRun(front, found);
  if (found.impossible > 0) {
    say(`${front}: nothing was sent; ${LEAVE_OUT}`);
    return FAILED;
  }
  if (found.unsafeNames > 0)
    say(
      `${front}: asking for a receiver that allows all names; --rename-unsafe sends them under names that every receiver takes`,
    );
  if (FRONTS[front].target && !isBrokered())
    say(`${front}: the name of the target will be asked for once more, by the system`);
  const status = await callService({
    target: wanted.target ?? '@default',
    service: found.unsafeNames > 0 ? 'qubes.Filecopy+allow-all-names' : 'qubes.Filecopy',
    program: 'qfile-agent',
    args: [
      '--summary',
      ...wanted.more,
      ...(wanted.ignoreSymlinks ? ['--ignore-symlinks'] : []),
      ...(wanted.renameUnsafe ? ['--rename-unsafe'] : []),
      ...(FRONTS[front].move ? ['--move'] : []),
      ...agentPaths(paths),
    ],
    env: wanted.progress ? { PROGRESS_TYPE: 'console', FILECOPY_TOTAL_BYTES: String(found.bytes) } : {},
  });
  if (status === EXIT.interrupted) say(`${front}: ${INTERRUPTED_WORDS}`);
  return status;
}

function dryRun(front: Front, found: Preflight): number {
  if (found.impossible > 0) {
    say(`${front}: nothing would be sent; ${LEAVE_OUT}`);
    return FAILED;
  }
  print(`${front}: would send ${found.summary}\n`);
  return found.unsafeNames > 0 ? UNSAFE : 0;
}

function parseCopy(
  args: readonly string[],
  withTarget: boolean,
): CopyWanted | 'help' | 'version' | { wrong: string } {
  const wanted: CopyWanted = {
    progress: true,
    ignoreSymlinks: false,
    dryRun: false,
    renameUnsafe: false,
    more: [],
    target: undefined,
    paths: [],
  };
  const plain: string[] = [];
  let options = true;
  for (const arg of args) {
    if (!options || !arg.startsWith('-') || arg === '-') plain.push(arg);
    else if (arg === '--') options = false;
    else if (arg === '-h' || arg === '--help') return 'help';
    else if (arg === '--version') return 'version';
    else if (arg === '--with-progress' || arg === '--without-progress')
      wanted.progress = arg === '--with-progress';
    else if (arg === '--ignore-symlinks' || arg === '--no-ignore-symlinks')
      wanted.ignoreSymlinks = arg === '--ignore-symlinks';
    else if (arg === '--dry-run') wanted.dryRun = true;
    else if (arg === '--rename-unsafe') wanted.renameUnsafe = true;
    else if (arg === '--resume' || /^--conflict=(skip|rename|replace|ask|refuse)$/.test(arg))
      wanted.more.push(arg);
    else return { wrong: `unknown option "${printable(arg)}"` };
  }
  if (withTarget) wanted.target = plain.shift();
  wanted.paths = plain.map((path) => (path.length > 1 ? path.replace(/\/$/, '') : path));
  if (withTarget && !wanted.target) return { wrong: 'no qube is named' };
  return wanted.paths.length === 0 ? { wrong: 'no file is named' } : wanted;
}

function usage(front: Front): string {
  const { move, target } = FRONTS[front];
  const [verb, what] = move ? ['Moves', 'move'] : ['Copies', 'copy'];
  return `Usage: ${front} [OPTIONS] [--] ${target ? 'QUBE ' : ''}PATH…

${verb} files and folders into QubesIncoming of ${target ? 'a qube' : 'the qube that you choose when asked'}.${move ? ' What was sent is removed here after the other side has confirmed it.' : ''}

  --with-progress, --without-progress       show how far it is (with)
  --ignore-symlinks, --no-ignore-symlinks   leave symbolic links out (no)
  --dry-run                                 only say what would be sent, and which names would be refused
  --rename-unsafe                           send names with odd characters as %XX, so that every receiver takes them
                                            ("ninefold restore-names" undoes it)
  --conflict=skip|rename|replace|ask        what to do about names that are there, if the other side is ninefold's and allows it
  --resume                                  go on with a transfer that was cut, under the same condition
  -h, --help                                show this
  --version                                 show the version

Exit status: 0 all was ${what === 'copy' ? 'copied' : 'moved'}; 126 refused by policy; else something failed (--dry-run: 2, names would be refused).
`;
}
