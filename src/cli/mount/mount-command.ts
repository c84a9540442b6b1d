// SPDX-License-Identifier: MIT

import type { Command } from 'commander';
import { type ExitCode, printable } from '../../base/error.ts';
import { SOURCE_FORMS } from '../../transport/source.ts';
import { CLIENTS, mountFolder } from '../folder/mount-folder.ts';
import { parseWanted } from '../folder/obtain.ts';
import { usageError } from '../report.ts';
import { LOG_FORMATS, LOG_LEVELS } from '../serve/options.ts';
import { choiceOption, numberOption } from '../values.ts';
import { MOUNT_OPTIONS, mountSettings } from './options.ts';
import { mountCommand } from './start.ts';
import { inWorkingFolder } from './working-folder.ts';

/** What the command line of `ninefold mount` says. */
export interface MountFlags {
  option: string[];
  readOnly?: boolean;
  foreground?: boolean;
  timeout: string;
  sshCommand: string;
  remoteCommand: string;
  logLevel: string;
  logFormat: string;
  stats?: boolean;
  client: string;
}

/** `ninefold mount SOURCE MOUNTPOINT …` */
export function addMount(program: Command): Command {
  return program
    .command('mount')
    .summary('mount a folder that another side shares')
    .description(
      'Mounts what a 9P server shares; returns when the mount answers, and leaves a process that serves it.',
    )
    .argument('<source>', 'where the server is, or MACHINE:/FOLDER to ask for')
    .argument('<mountpoint>', 'a folder of yours')
    .option('-o, --option <list>', 'mount options, with commas; may be given several times', collect, [])
    .option(
      '-r, --read-only',
      'the same as -o ro, and asked of the other side too where that is ours to start',
    )
    .option('--client <kind>', 'for MACHINE:/FOLDER: fuse, or kernel (as root)', 'auto')
    .option('-f, --foreground', 'stay, and tell what happens on stderr')
    .option('--timeout <seconds>', 'how long to wait for the server to answer', DEFAULT_FLAGS.timeout)
    .option('--ssh-command <program>', 'the ssh program (also NINEFOLD_SSH)', DEFAULT_FLAGS.sshCommand)
    .option('--remote-command <program>', 'what ninefold is called at the other end of ssh', 'ninefold')
    .option('--log-level <level>', LOG_LEVELS.join(', '), 'warn')
    .option('--log-format <format>', LOG_FORMATS.join(', '), 'text')
    .option(
      '--stats',
      'with --foreground: print counters as one JSON line on stderr at the end and on SIGUSR1',
    )
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', HELP)
    .action(async (source: string, mountpoint: string, flags: MountFlags) => {
      process.exit(await runMount(source, mountpoint, flags));
    });
}

/** What it says when it says nothing. */
export const DEFAULT_FLAGS: MountFlags = {
  option: [],
  timeout: '10',
  sshCommand: process.env.NINEFOLD_SSH ?? 'ssh',
  remoteCommand: 'ninefold',
  logLevel: 'warn',
  logFormat: 'text',
  client: 'auto',
};

/** Mounts as the command does: resolves with the exit code, throws NinefoldError as the parts do. */
export async function runMount(source: string, mountpoint: string, flags: MountFlags): Promise<ExitCode> {
  const seconds = numberOption('--timeout', flags.timeout, 1, 3600);
  const settings = mountSettings(flags.option, flags.readOnly === true, process.geteuid?.() === 0);
  const client = choiceOption('--client', flags.client, CLIENTS);
  const order = {
    settings,
    patienceMs: seconds * 1000,
    ssh: {
      program: programOf(flags.sshCommand),
      remoteProgram: flags.remoteCommand,
      readOnly: settings.readOnly,
    },
    logLevel: choiceOption('--log-level', flags.logLevel, LOG_LEVELS),
    logFormat: choiceOption('--log-format', flags.logFormat, LOG_FORMATS),
    stats: flags.stats === true,
  };
  const foreground = flags.foreground === true;
  const wanted = parseWanted(source);
  if (wanted === undefined && client === 'kernel')
    throw usageError(
      'MOUNT_CLIENT',
      'cannot mount',
      printable(source),
      '--client kernel (-o client=kernel) is for MACHINE:/FOLDER only',
      'leave it out',
    );
  return wanted === undefined
    ? mountCommand(mountpoint, foreground, { ...order, source })
    : mountFolder(wanted, mountpoint, client, foreground, order);
}

/** The mount's process runs in another folder. */
const programOf = (given: string): string => (given.includes('/') ? inWorkingFolder(given) : given);

const collect = (value: string, before: string[]): string[] => [...before, value];

const HELP = `
Sources:
  ${'MACHINE:/FOLDER'.padEnd(32)}a folder of a qube, or of a machine that "ninefold broker" knows: a person is asked
${SOURCE_FORMS.map(([form, meaning]) => `  ${form.padEnd(32)}${meaning}`).join('\n')}

Mount options (-o):
${MOUNT_OPTIONS.map(([name, meaning]) => `  ${name.padEnd(32)}${meaning}`).join('\n')}

Examples:
  ninefold mount vault:/home/user/docs ~/docs --read-only
  ninefold mount unix:/run/user/1000/share.sock ~/share
  ninefold mount vsock:host:5640 /mnt -o ro,noexec
  ninefold mount ssh://me@box/srv/data ~/data
  ninefold mount "exec:ssh box qfsd 0 1 /srv" ~/srv --foreground`;
