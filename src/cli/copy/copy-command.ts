// SPDX-License-Identifier: MIT

import type { Command } from 'commander';
import { EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';
import { setPipeSize } from '../../linux/descriptors.ts';
import { openSys } from '../../linux/index.ts';
import { OPEN_DEFAULTS, openChannel } from '../../transport/open.ts';
import { DESTINATION, parseSource, SOURCE_FORMS, type Source } from '../../transport/source.ts';
import { SSH_DEFAULTS } from '../../transport/ssh.ts';
import { print } from '../print.ts';
import { say, usageError } from '../report.ts';
import { numberOption } from '../values.ts';
import { openTransportSys } from '../wiring.ts';
import { raiseDescriptorLimit, unblock } from './agent.ts';
import { callService, INTERRUPTED_WORDS } from './call.ts';
import { CONFLICTS, type ConflictPolicy, conflictOption } from './conflict.ts';
import { interruptible } from './interrupt.ts';
import { type Preflight, preflight } from './preflight.ts';
import { agentPaths, type PathArgument, rawPaths } from './raw-paths.ts';
import { bar, NOBODY } from './report-progress.ts';
import { sendPaths } from './transfer.ts';

const PIPE = 1 << 20;

interface Flags {
  dryRun?: boolean;
  ignoreSymlinks?: boolean;
  renameUnsafe?: boolean;
  allNames?: boolean;
  progress: boolean;
  conflict?: string;
  resume?: boolean;
  idleTimeout: string;
  sshCommand: string;
  remoteCommand: string;
}

/** `ninefold copy PATH… DESTINATION` and `ninefold move …`. */
export const addCopy = (program: Command): Command => add(program, false);
export const addMove = (program: Command): Command => add(program, true);

function add(program: Command, move: boolean): Command {
  const verb = move ? 'move' : 'copy';
  return program
    .command(verb)
    .summary(`${verb} files to another machine`)
    .description(
      move
        ? 'Copies files and folders to another machine, and removes here what it has confirmed to have on its disk.'
        : 'Copies files and folders to another machine. Nothing there is replaced.',
    )
    .argument('<path...>', 'files and folders, and the destination last: a qube, or where a receiver is')
    .option('--dry-run', 'only say what would be sent, and which names would be refused')
    .option('--ignore-symlinks', 'leave symbolic links out')
    .option('--rename-unsafe', 'send names with odd characters as %XX (ninefold restore-names undoes it)')
    .option('--all-names', 'send odd names as they are, to a receiver that allows all names')
    .option('--conflict <way>', `what to do about names that are there: ${CONFLICTS.join(', ')}`)
    .option('--resume', 'go on with a transfer that was cut')
    .option('--no-progress', 'show no bar')
    .option('--idle-timeout <seconds>', 'give up a receiver that neither reads nor answers (0 = never)', '0')
    .option('--ssh-command <program>', 'the ssh program (also NINEFOLD_SSH)', SSH_DEFAULTS.program)
    .option(
      '--remote-command <program>',
      'what ninefold is called at the other end of ssh',
      SSH_DEFAULTS.remoteProgram,
    )
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', help(verb))
    .action(async (words: string[], flags: Flags) => {
      const destination = words.pop() ?? '';
      if (words.length === 0)
        throw usageError(
          'USAGE',
          `cannot ${verb} with`,
          'one argument',
          'files and a destination are needed',
          `see ninefold ${verb} --help`,
        );
      process.exit(await run(verb, rawPaths(words), destination, flags));
    });
}

async function run(
  verb: 'copy' | 'move',
  paths: readonly PathArgument[],
  destination: string,
  flags: Flags,
): Promise<ExitCode> {
  const qube = /^(@[a-z]+(:[A-Za-z0-9_.-]+)?|[A-Za-z][A-Za-z0-9_.-]{0,30})$/.test(destination);
  const source = qube ? undefined : parseSource(destination, DESTINATION);
  const how = { ignoreSymlinks: flags.ignoreSymlinks === true, renameUnsafe: flags.renameUnsafe === true };
  const idleMs = 1000 * numberOption('--idle-timeout', flags.idleTimeout, 0, 1_000_000);
  policyOf(flags);
  raiseDescriptorLimit();
  const found = preflight(openSys(), paths, how);
  for (const line of found.lines) say(`ninefold ${verb}: ${line}`);
  if (found.impossible > 0 || (found.unsafeNames > 0 && flags.allNames !== true))
    throw refusedNames(verb, found);
  if (flags.dryRun === true) {
    print(`would ${verb} ${found.summary}\n`);
    return EXIT.ok;
  }
  if (source === undefined) return callAgent(verb, paths, destination, flags, found);
  return overChannel(verb, paths, source, { ...how, idleMs, progress: flags.progress, flags }, found);
}

async function overChannel(
  verb: 'copy' | 'move',
  paths: readonly PathArgument[],
  source: Source,
  how: { ignoreSymlinks: boolean; renameUnsafe: boolean; idleMs: number; progress: boolean; flags: Flags },
  found: Preflight,
): Promise<ExitCode> {
  const { sshCommand, remoteCommand } = how.flags;
  const conflict = policyOf(how.flags);
  const channel = await openChannel(openTransportSys(), source, {
    ...OPEN_DEFAULTS,
    ssh: {
      program: sshCommand,
      remoteProgram: remoteCommand,
      readOnly: false,
      command: 'receive',
      arguments: receiverOptions(conflict, how.flags.allNames === true),
    },
  });
  const stop = interruptible(
    how.progress && process.stderr.isTTY === true ? bar(found.bytes) : NOBODY,
    conflict?.way !== 'ask',
  );
  const undo = [unblock(channel.readFd), unblock(channel.writeFd), stop.release];
  setPipeSize(channel.writeFd, PIPE);
  try {
    return sendPaths({
      sys: openSys(),
      readFd: channel.readFd,
      writeFd: channel.writeFd,
      paths,
      ignoreSymlinks: how.ignoreSymlinks,
      renameUnsafe: how.renameUnsafe,
      move: verb === 'move',
      ...(conflict === undefined ? {} : { conflict, answersSurely: source.kind === 'ssh' }),
      idleMs: how.idleMs,
      watcher: stop.watcher,
      say: (line) => say(`ninefold ${verb}: ${line}`),
      warn: (line) => say(`ninefold ${verb}: ${line}`),
    });
  } catch (error) {
    throw await withLastWords(stop.judged(error), channel.lastWords());
  } finally {
    for (const u of undo) u();
    await channel.close();
  }
}

/** For the receiver that ssh starts: what this transfer needs and no more. Whoever logs in there may do as much without us. */
function receiverOptions(conflict: ConflictPolicy | undefined, allNames: boolean): string[] {
  const replaces = conflict?.way === 'replace' || conflict?.way === 'ask';
  return [
    ...(conflict === undefined ? [] : ['--conflicts']),
    ...(replaces ? ['--allow-replace'] : []),
    ...(allNames ? ['--allow-all-names'] : []),
  ];
}

function policyOf({ conflict, resume }: Flags): ConflictPolicy | undefined {
  const way = conflict === undefined ? undefined : conflictOption(`--conflict=${conflict}`, undefined);
  return resume === true ? conflictOption('--resume', way) : way;
}

/** A receiver that went away without a result may have said why on stderr. */
async function withLastWords(error: unknown, words: Promise<string | undefined>): Promise<unknown> {
  if (!(error instanceof NinefoldError) || (error.code !== 'COPY_CLOSED' && error.code !== 'COPY_BROKEN'))
    return error;
  const why = await words;
  return why === undefined ? error : new NinefoldError({ ...error, why, cause: error });
}

/** To a qube: the same program as qvm-copy's, behind qrexec or what takes its place, which asks first. */
async function callAgent(
  verb: 'copy' | 'move',
  paths: readonly PathArgument[],
  target: string,
  flags: Flags,
  found: Preflight,
): Promise<ExitCode> {
  const status = await callService({
    target,
    service: found.unsafeNames > 0 ? 'qubes.Filecopy+allow-all-names' : 'qubes.Filecopy',
    program: 'qfile-agent',
    args: [
      '--summary',
      ...(flags.conflict === undefined ? [] : [`--conflict=${flags.conflict}`]),
      ...(flags.resume === true ? ['--resume'] : []),
      ...(flags.ignoreSymlinks === true ? ['--ignore-symlinks'] : []),
      ...(flags.renameUnsafe === true ? ['--rename-unsafe'] : []),
      ...(verb === 'move' ? ['--move'] : []),
      ...agentPaths(paths),
    ],
    env: flags.progress ? { PROGRESS_TYPE: 'console', FILECOPY_TOTAL_BYTES: String(found.bytes) } : {},
  });
  if (status === 0) return EXIT.ok;
  if (status === EXIT.interrupted) {
    say(`ninefold ${verb}: ${INTERRUPTED_WORDS}`);
    return EXIT.interrupted;
  }
  throw new NinefoldError({
    code: 'SERVICE_FAILED',
    exit: status === 126 ? EXIT.noPermission : EXIT.unavailable,
    what: `cannot ${verb} to`,
    on: printable(target),
    why: status === 126 ? 'the request was refused' : `the call ended with status ${status}`,
    remedy: status === 126 ? 'ask whoever decides for an allowance' : 'look at the messages above',
  });
}

function refusedNames(verb: string, found: Preflight): NinefoldError {
  return new NinefoldError({
    code: 'COPY_NAMES',
    exit: EXIT.noInput,
    what: `will not ${verb}`,
    on: `${found.unsafeNames + found.impossible} of these`,
    why: 'the receiver would refuse them, as told above; nothing was sent',
    remedy:
      'use --rename-unsafe for names, --ignore-symlinks for links, or --all-names if the receiver allows all names',
  });
}

const help = (verb: string): string => `
Destinations:
  QUBE                    QubesIncoming of a qube, or of a machine of "ninefold broker", which asks first
${SOURCE_FORMS.map(([form, meaning]) => `  ${form.padEnd(22)}  ${meaning.replace('speaks 9P', 'is a receiver').replace('a folder of', 'a folder there, of')}`).join('\n')}

At the other end of unix:, tcp:, vsock: and exec: is "ninefold receive FOLDER"; ssh:// starts it there.

Examples:
  ninefold ${verb} report.pdf work
  ninefold ${verb} ~/photos ssh://box/~/incoming
  ninefold ${verb} notes.txt 'exec:docker exec -i box ninefold receive --stdio /in'`;
